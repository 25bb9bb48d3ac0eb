// The system of file.yaml: a port over a dispatcher with four processors, each of which runs interrupt service over deferred
// procedure calls over threads; one request is two stretches of thread time with an overlapped read between them, which goes
// down to an NVMe drive and comes back by interrupt, DPC and packet.
//
// The rules are iosim's: FIFO packets, LIFO threads, running <= limit; a woken thread goes to its last processor if that is idle,
// else to the lowest idle one, else to the tail of the ready queue; an interrupt stops a thread's stretch, whose rest is run
// after the DPCs; a DPC completes all commands that have finished by then; quanta are counted in thread time.

#include <deque>

#include "events.hpp"

enum Kind { ARRIVE, PROCESSOR, MEDIA_DONE, TRANSFERRED };
enum Mode { HALTED, PASSIVE, DISPATCH, DEVICE_LEVEL, DECIDING };
enum Stage { FETCH, ISSUE, END };

constexpr std::int64_t NOBODY = -1;

struct Request {
    std::int64_t arrived;
    std::int64_t began;
    std::int64_t first;
    std::int64_t page;
    std::int64_t last;
    std::int64_t processor;  // that started its command
    bool read;               // its packet tells of the end of its read
};

struct Thread {
    std::int64_t owed = 0;
    std::int64_t quantum = 0;
    std::int64_t processor = NOBODY;  // the last one
    std::int64_t request = NOBODY;
    std::int64_t packet = NOBODY;  // handed over while it was parked
    Stage stage = FETCH;
    bool bound = false;
    bool planned = false;  // its next stretch is known: its program need not be asked
};

struct Processor {
    Mode mode = HALTED;
    std::int64_t thread = NOBODY;
    std::int64_t since = 0;
    std::uint32_t generation = 0;
    bool asserted = false;  // the vector
    bool queued = false;    // the DPC
    bool in_dpc = false;
    std::int64_t dpc_left = 0;
    std::vector<std::int64_t> finished;
    std::vector<std::int64_t> batch;
};

class Machine {
  public:
    Machine(const Words& words)
        : limit(words["limit"]), switch_cost(words["switch"]), quantum(words["quantum"]), remove_cost(words["remove"]),
          free_cost(words["free"]), down(words["down"]), isr(words["isr"]), dpc(words["dpc"]), up(words["up"]),
          units(words["units"]), slots(words["slots"]), read_time(words["read"]), overhead(words["overhead"]),
          transfer_ps(words["transfer_ps"]), end(words["duration"]),
          gap(words, 0, 4, Draws::EXPONENTIAL, "gap"), first(words, 1, 4, Draws::EXPONENTIAL, "first"),
          page(words, 2, 4, Draws::WHOLE, "pages"), last(words, 3, 4, Draws::EXPONENTIAL, "last"),
          threads(std::size_t(words["threads"])), processors(std::size_t(words["processors"])),
          idle((1u << words["processors"]) - 1), unit_free_at(std::size_t(units)) {}

    EventList clock;
    std::vector<Row> rows;

    void run() {
        for (std::size_t number = 0; number < threads.size(); number++) {
            threads[number].quantum = quantum;
            make_ready(std::int64_t(number));
        }
        clock.at(gap.next(), ARRIVAL, ARRIVE, 0);
        Event event;
        while (clock.next(end, event)) {
            if (event.kind == PROCESSOR) {
                Processor& processor = processors[std::size_t(event.who)];
                if (event.generation != processor.generation) continue;
                clock.fired++;
                fire(processor);
                continue;
            }
            clock.fired++;
            if (event.kind == ARRIVE) {
                clock.at(gap.next(), ARRIVAL, ARRIVE, 0);
                insert(new_request());
            } else if (event.kind == MEDIA_DONE) {
                transfer(event.who);
            } else {
                in_drive--;
                Processor& processor = processors[std::size_t(requests[std::size_t(event.who)].processor)];
                processor.finished.push_back(event.who);
                raise_interrupt(processor);
            }
        }
    }

  private:
    std::int64_t limit, switch_cost, quantum, remove_cost, free_cost, down, isr, dpc, up;
    std::int64_t units, slots, read_time, overhead, transfer_ps, end;
    Draws gap, first, page, last;
    std::vector<Thread> threads;
    std::vector<Processor> processors;
    std::uint32_t idle;  // bit n: processor n
    std::vector<std::int64_t> unit_free_at;
    std::int64_t link_free_at = 0, link_remainder = 0, in_drive = 0;
    std::vector<Request> requests;
    std::vector<std::int64_t> free_requests;
    std::int64_t running = 0;
    std::deque<std::int64_t> packets;
    std::vector<std::int64_t> parked;
    std::deque<std::int64_t> ready;

    std::int64_t number_of(const Processor& processor) const { return &processor - processors.data(); }

    std::int64_t new_request() {
        Request made{clock.now, -1, first.next(), page.next(), last.next(), NOBODY, false};
        if (free_requests.empty()) {
            requests.push_back(made);
            return std::int64_t(requests.size()) - 1;
        }
        std::int64_t number = free_requests.back();
        free_requests.pop_back();
        requests[std::size_t(number)] = made;
        return number;
    }

    // ---- the port ----

    void insert(std::int64_t packet) {
        if (parked.empty() || running >= limit) {
            packets.push_back(packet);
            return;
        }
        std::int64_t thread = parked.back();
        parked.pop_back();
        running++;
        threads[std::size_t(thread)].packet = packet;
        make_ready(thread);
    }

    // The oldest packet, or NOBODY: the thread is parked.
    std::int64_t remove(std::int64_t number, Thread& thread) {
        if (thread.bound) {
            if (!packets.empty() && running <= limit) return taken();
            running--;
        } else {
            thread.bound = true;
            if (!packets.empty() && running < limit) {
                running++;
                return taken();
            }
        }
        parked.push_back(number);
        return NOBODY;
    }

    std::int64_t taken() {
        std::int64_t packet = packets.front();
        packets.pop_front();
        return packet;
    }

    // ---- the dispatcher ----

    void make_ready(std::int64_t number) {
        Thread& thread = threads[std::size_t(number)];
        std::int64_t target = thread.processor;
        if (target == NOBODY || processors[std::size_t(target)].mode != HALTED) {
            if (!idle) {
                ready.push_back(number);
                return;
            }
            target = __builtin_ctz(idle);
        }
        Processor& processor = processors[std::size_t(target)];
        idle ^= 1u << target;
        processor.mode = DECIDING;
        switch_in(number, processor);
        go_on(processor);
    }

    void switch_in(std::int64_t number, Processor& processor) {
        Thread& thread = threads[std::size_t(number)];
        thread.processor = number_of(processor);
        thread.owed += switch_cost;
        processor.thread = number;
    }

    void run_next(Processor& processor) {
        processor.mode = DECIDING;
        if (take_ready(processor)) go_on(processor);
    }

    // The oldest ready thread, or the processor halts.
    bool take_ready(Processor& processor) {
        if (ready.empty()) {
            processor.thread = NOBODY;
            processor.mode = HALTED;
            idle |= 1u << number_of(processor);
            return false;
        }
        switch_in(ready.front(), processor);
        ready.pop_front();
        return true;
    }

    void go_on(Processor& processor) {
        for (;;) {
            Thread& thread = threads[std::size_t(processor.thread)];
            if (thread.planned || resume(thread)) {
                thread.planned = false;
                begin_stretch(processor);
                return;
            }
            if (!take_ready(processor)) return;
        }
    }

    // ---- the worker's program ----

    // What comes next; false: the thread is parked.
    bool resume(Thread& thread) {
        if (thread.stage == FETCH && thread.owed && thread.packet == NOBODY) return true;  // a start's switch
        if (thread.stage == ISSUE) {
            issue(thread);
        } else if (thread.stage == END) {
            const Request& request = requests[std::size_t(thread.request)];
            rows.push_back({0, 0, request.arrived, request.began, clock.now});
            free_requests.push_back(thread.request);
        }
        thread.stage = FETCH;
        std::int64_t packet = thread.packet;
        thread.packet = NOBODY;
        if (packet == NOBODY) packet = remove(&thread - threads.data(), thread);
        if (packet == NOBODY) return false;
        Request& request = requests[std::size_t(packet)];
        thread.request = packet;
        thread.owed += remove_cost;
        if (request.read) {
            thread.owed += free_cost + request.last;
            thread.stage = END;
        } else {
            request.began = clock.now;
            thread.owed += request.first + down;
            thread.stage = ISSUE;
        }
        return true;
    }

    // ---- a processor ----

    void begin_stretch(Processor& processor) {
        const Thread& thread = threads[std::size_t(processor.thread)];
        processor.mode = PASSIVE;
        processor.since = clock.now;
        aim(processor, std::max<std::int64_t>(std::min(thread.owed, thread.quantum), 0), THREAD);
    }

    void aim(const Processor& processor, std::int64_t delay, Rank rank) {
        clock.at(delay, rank, PROCESSOR, number_of(processor), processor.generation);
    }

    void fire(Processor& processor) {
        if (processor.mode == PASSIVE) {
            end_stretch(processor);
        } else if (processor.mode == DISPATCH) {
            end_dpc(processor);
        } else {
            processor.asserted = false;
            processor.queued = true;
            processor.since = clock.now;
            lower(processor);
        }
    }

    void end_stretch(Processor& processor) {
        Thread& thread = threads[std::size_t(processor.thread)];
        std::int64_t elapsed = clock.now - processor.since;
        thread.quantum -= elapsed;
        thread.owed -= elapsed;
        processor.mode = DECIDING;
        if (!thread.owed && !resume(thread)) {
            run_next(processor);
            return;
        }
        if (thread.quantum <= 0) {
            thread.quantum = quantum;
            if (!ready.empty()) {
                ready.push_back(processor.thread);
                thread.planned = true;
                run_next(processor);
                return;
            }
        }
        begin_stretch(processor);
    }

    void raise_interrupt(Processor& processor) {
        if (processor.asserted) return;
        processor.asserted = true;
        std::int64_t elapsed = clock.now - processor.since;
        if (processor.mode == PASSIVE) {
            Thread& thread = threads[std::size_t(processor.thread)];
            thread.quantum -= elapsed;
            thread.owed -= elapsed;
            processor.generation++;
        } else if (processor.mode == DISPATCH) {
            processor.dpc_left -= elapsed;
            processor.generation++;
        } else {
            idle &= ~(1u << number_of(processor));
        }
        processor.since = clock.now;
        processor.mode = DEVICE_LEVEL;
        aim(processor, isr, INTERRUPT);
    }

    // Go on with the DPC, begin the one that is queued, or return to the thread.
    void lower(Processor& processor) {
        if (!processor.in_dpc && processor.queued) {
            processor.queued = false;
            processor.in_dpc = true;
            processor.batch.swap(processor.finished);
            processor.dpc_left = dpc + up * std::int64_t(processor.batch.size());
        }
        if (processor.in_dpc) {
            processor.mode = DISPATCH;
            processor.since = clock.now;
            aim(processor, processor.dpc_left, DPC);
        } else if (processor.thread != NOBODY) {
            begin_stretch(processor);
        } else {
            run_next(processor);
        }
    }

    void end_dpc(Processor& processor) {
        processor.in_dpc = false;
        for (std::int64_t packet : processor.batch) insert(packet);
        processor.batch.clear();
        lower(processor);
    }

    // ---- the drive ----

    void issue(const Thread& thread) {
        Request& request = requests[std::size_t(thread.request)];
        if (++in_drive > slots) Words::fail("all slots of the drive are taken");
        request.read = true;
        request.processor = thread.processor;
        std::uint64_t hashed = (std::uint64_t(request.page) & 0xffffffff) * 1327217885u & 0x7fffffff;
        std::int64_t& free_at = unit_free_at[std::size_t(hashed * std::uint64_t(units) >> 31)];
        free_at = std::max(free_at, clock.now + overhead) + read_time;
        clock.at(free_at - clock.now, DEVICE, MEDIA_DONE, thread.request);
    }

    void transfer(std::int64_t request) {
        std::int64_t ps = transfer_ps + link_remainder;
        link_free_at = std::max(link_free_at, clock.now) + ps / 1000;
        link_remainder = ps % 1000;
        clock.at(link_free_at - clock.now, DEVICE, TRANSFERRED, request);
    }
};

int main(int count, char** given) {
    Words words(count, given);
    Machine machine(words);
    return measured(words, machine.clock, machine.rows, [&] { machine.run(); });
}
