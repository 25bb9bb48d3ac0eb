// The system of port.yaml: packets FIFO, parked threads LIFO, at most `limit` threads set going; a thread that blocks gives its
// place up and takes it back when it wakes, whatever the limit. Costs are 0: processors are a count.

#include <deque>

#include "events.hpp"

enum Kind { ARRIVE, COMPUTED, UNBLOCK };
enum Stage { FIRST, LAST };

struct Request {
    std::int64_t arrived;
    std::int64_t began;
    std::int64_t first;
    std::int64_t block;
    std::int64_t last;
};

struct Thread {
    Stage stage = FIRST;
    Request request{};
};

class Server {
  public:
    Server(const Words& words)
        : limit(words["limit"]), idle(words["processors"]), end(words["duration"]),
          gap(words, 0, 4, Draws::EXPONENTIAL, "gap"), first(words, 1, 4, Draws::EXPONENTIAL, "first"),
          block(words, 2, 4, Draws::EXPONENTIAL, "block"), last(words, 3, 4, Draws::EXPONENTIAL, "last"),
          threads(std::size_t(words["threads"])) {
        for (std::size_t number = 0; number < threads.size(); number++) parked.push_back(std::int64_t(number));
    }

    EventList clock;
    std::vector<Row> rows;

    void run() {
        clock.at(gap.next(), ARRIVAL, ARRIVE, 0);
        Event event;
        while (clock.next(end, event)) {
            clock.fired++;
            if (event.kind == ARRIVE) {
                arrive();
            } else if (event.kind == COMPUTED) {
                computed(event.who);
            } else {
                running++;
                make_ready(event.who);
            }
        }
    }

  private:
    std::int64_t limit;
    std::int64_t running = 0;
    std::int64_t idle;  // processors
    std::int64_t end;
    Draws gap, first, block, last;
    std::vector<Thread> threads;
    std::vector<std::int64_t> parked;
    std::deque<Request> packets;
    std::deque<std::int64_t> ready;

    void arrive() {
        clock.at(gap.next(), ARRIVAL, ARRIVE, 0);
        Request request{clock.now, -1, first.next(), block.next(), last.next()};
        if (!parked.empty() && running < limit) {
            hand(request);
        } else {
            packets.push_back(request);
        }
    }

    void hand(const Request& request) {
        std::int64_t thread = parked.back();
        parked.pop_back();
        running++;
        take(thread, request);
        make_ready(thread);
    }

    void take(std::int64_t number, const Request& request) {
        Thread& thread = threads[std::size_t(number)];
        thread.stage = FIRST;
        thread.request = request;
    }

    void make_ready(std::int64_t thread) {
        if (idle) {
            idle--;
            compute(thread);
        } else {
            ready.push_back(thread);
        }
    }

    void compute(std::int64_t number) {
        Thread& thread = threads[std::size_t(number)];
        Request& request = thread.request;
        if (request.began < 0) request.began = clock.now;
        clock.at(thread.stage == FIRST ? request.first : request.last, THREAD, COMPUTED, number);
    }

    void computed(std::int64_t number) {
        Thread& thread = threads[std::size_t(number)];
        Request& request = thread.request;
        if (thread.stage == FIRST && request.block) {
            thread.stage = LAST;
            clock.at(request.block, TIMER, UNBLOCK, number);
            running--;
            if (!packets.empty() && !parked.empty() && running < limit) {
                Request next = packets.front();
                packets.pop_front();
                hand(next);  // to an idle processor, or to this one, which is idle from here on
            }
            idle++;
        } else if (thread.stage == FIRST) {  // the answer is there already: no wait
            thread.stage = LAST;
            compute(number);
            return;
        } else {
            rows.push_back({0, 0, request.arrived, request.began, clock.now});
            if (!packets.empty() && running <= limit) {  // its place given up and taken back at this instant
                take(number, packets.front());
                packets.pop_front();
                compute(number);
                return;
            }
            running--;
            parked.push_back(number);
            idle++;
        }
        if (!ready.empty()) {
            idle--;
            std::int64_t next = ready.front();
            ready.pop_front();
            compute(next);
        }
    }
};

int main(int count, char** given) {
    Words words(count, given);
    Server server(words);
    return measured(words, server.clock, server.rows, [&] { server.run(); });
}
