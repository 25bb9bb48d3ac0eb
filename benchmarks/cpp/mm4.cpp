// M/M/4: customers FIFO, idle servers.

#include <deque>

#include "events.hpp"

enum Kind { ARRIVE, END };

struct Customer {
    std::int64_t arrived;
    std::int64_t began;
    std::int64_t service;
};

int main(int count, char** given) {
    Words words(count, given);
    Draws gap(words, 0, 2, Draws::EXPONENTIAL, "gap");
    Draws service(words, 1, 2, Draws::EXPONENTIAL, "first");
    std::int64_t end = words["duration"];
    EventList clock;
    std::vector<Row> rows;
    std::int64_t servers = words["limit"];
    std::vector<Customer> serving(static_cast<std::size_t>(servers));  // by server
    std::vector<std::int64_t> idle;
    for (std::size_t server = 0; server < serving.size(); server++) idle.push_back(std::int64_t(server));
    std::deque<Customer> queue;

    auto begin = [&](std::int64_t server, Customer customer) {
        customer.began = clock.now;
        serving[std::size_t(server)] = customer;
        clock.at(customer.service, THREAD, END, server);
    };

    return measured(words, clock, rows, [&] {
        clock.at(gap.next(), ARRIVAL, ARRIVE, 0);
        Event event;
        while (clock.next(end, event)) {
            clock.fired++;
            if (event.kind == ARRIVE) {
                clock.at(gap.next(), ARRIVAL, ARRIVE, 0);
                Customer customer{clock.now, 0, service.next()};
                if (idle.empty()) {
                    queue.push_back(customer);
                } else {
                    std::int64_t server = idle.back();
                    idle.pop_back();
                    begin(server, customer);
                }
            } else {
                const Customer& done = serving[std::size_t(event.who)];
                rows.push_back({0, 0, done.arrived, done.began, clock.now});
                if (queue.empty()) {
                    idle.push_back(event.who);
                } else {
                    begin(event.who, queue.front());
                    queue.pop_front();
                }
            }
        }
    });
}
