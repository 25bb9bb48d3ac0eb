// What the three programs share: an event list, draws, rows, the command line and the answer. Times are whole ns.
//
// The event list is a binary heap ordered by (time, rank, sequence), as iosim's clocks are. A program re-aims an entry by the
// generation stamp that it carries: an entry whose stamp is no longer its owner's is dropped when it comes up.

#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sched.h>
#include <string>
#include <vector>

// Who goes first at one instant; the numbers are those of iosim's ranks.
enum Rank : std::uint32_t { DEVICE = 10, INTERRUPT = 20, DPC = 30, THREAD = 40, TIMER = 50, ARRIVAL = 60 };

struct Event {
    std::int64_t time;
    std::uint64_t order;  // rank, then sequence
    std::uint32_t generation;
    std::uint16_t kind;
    std::uint16_t padding;
    std::int64_t who;
};

class EventList {
  public:
    std::int64_t now = 0;
    std::int64_t fired = 0;

    EventList() { heap.reserve(1024); }

    void at(std::int64_t delay, Rank rank, int kind, std::int64_t who, std::uint32_t generation = 0) {
        std::uint64_t order = std::uint64_t(rank) << 48 | sequence++;
        heap.push_back({now + delay, order, generation, std::uint16_t(kind), 0, who});
        std::push_heap(heap.begin(), heap.end(), later);
    }

    // The next entry, removed; false when none is due before `end`.
    bool next(std::int64_t end, Event& found) {
        if (heap.empty() || heap.front().time >= end) return false;
        found = heap.front();
        std::pop_heap(heap.begin(), heap.end(), later);
        heap.pop_back();
        now = found.time;
        return true;
    }

  private:
    std::vector<Event> heap;
    std::uint64_t sequence = 0;

    static bool later(const Event& a, const Event& b) {
        return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
};

// Vigna's splitmix64 (to seed) and xoshiro256++.
class Generator {
  public:
    explicit Generator(std::uint64_t seed) {
        for (auto& word : state) {
            seed += 0x9e3779b97f4a7c15;
            std::uint64_t z = seed;
            z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
            z = (z ^ z >> 27) * 0x94d049bb133111eb;
            word = z ^ z >> 31;
        }
    }

    std::uint64_t bits() {
        std::uint64_t result = rotated(state[0] + state[3], 23) + state[0];
        std::uint64_t t = state[1] << 17;
        state[2] ^= state[0];
        state[3] ^= state[1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= t;
        state[3] = rotated(state[3], 45);
        return result;
    }

    double uniform() { return (double(bits() >> 11) + 0.5) * 0x1p-53; }  // between 0 and 1, neither of them

  private:
    std::uint64_t state[4];

    static std::uint64_t rotated(std::uint64_t x, int k) { return x << k | x >> (64 - k); }
};

// What the command line says: name=value, all numbers but `drawn`, a file of draws.
class Words {
  public:
    Words(int count, char** words) {
        for (int i = 1; i < count; i++) {
            std::string word = words[i];
            auto split = word.find('=');
            if (split == std::string::npos) fail("no name=value: " + word);
            values[word.substr(0, split)] = word.substr(split + 1);
        }
    }

    bool has(const std::string& name) const { return values.count(name) > 0; }

    const std::string& text(const std::string& name) const {
        auto found = values.find(name);
        if (found == values.end()) fail("not given: " + name);
        return found->second;
    }

    std::int64_t operator[](const std::string& name) const { return std::stoll(text(name)); }
    double real(const std::string& name) const { return std::stod(text(name)); }

    [[noreturn]] static void fail(const std::string& what) {
        std::fprintf(stderr, "%s\n", what.c_str());
        std::exit(1);
    }

  private:
    std::map<std::string, std::string> values;
};

// One quantity of each request in turn: drawn, or read from the file of draws, whose columns follow each other.
class Draws {
  public:
    enum Shape { EXPONENTIAL, WHOLE };

    Draws(const Words& words, int column, int columns, Shape shape, const char* name)
        : generator(std::uint64_t(words["seed"]) * 16 + std::uint64_t(column)), shape(shape), value(words.real(name)) {
        if (!words.has("drawn")) return;
        std::ifstream file(words.text("drawn"), std::ios::binary | std::ios::ate);
        if (!file) Words::fail("no file " + words.text("drawn"));
        std::size_t each = std::size_t(file.tellg()) / 8 / std::size_t(columns);
        given.resize(each);
        file.seekg(std::streamoff(each * 8 * std::size_t(column)));
        file.read(reinterpret_cast<char*>(given.data()), std::streamsize(each * 8));
    }

    std::int64_t next() {
        if (!given.empty()) {
            if (place == given.size()) Words::fail("the file of draws has too few rows");
            return given[place++];
        }
        double u = generator.uniform();
        return shape == EXPONENTIAL ? std::int64_t(-value * std::log(u) + 0.5) : std::int64_t(u * value);
    }

  private:
    Generator generator;
    Shape shape;
    double value;
    std::vector<std::int64_t> given;
    std::size_t place = 0;
};

// What is kept of every request that has ended.
struct Row {
    std::int32_t group;
    std::int32_t status;
    std::int64_t intended;
    std::int64_t began;
    std::int64_t ended;
};

inline void pin(std::int64_t core) {
    if (core < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(int(core), &set);
    sched_setaffinity(0, sizeof set, &set);
}

// Times `run`, then prints what benchmarks/peers/answer.py prints.
template <typename Run>
int measured(const Words& words, const EventList& clock, const std::vector<Row>& rows, Run run) {
    pin(words["core"]);
    auto began = std::chrono::steady_clock::now();
    run();
    std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
    double wait = 0, latency = 0;
    std::int64_t count = 0, end = words["duration"];
    for (const Row& row : rows) {
        if (row.intended * 4 < end || row.intended * 10 >= end * 9) continue;
        wait += double(row.began - row.intended);
        latency += double(row.ended - row.intended);
        count++;
    }
    double each = count ? double(count) : 1;
    std::printf(
        "{\"requests\": %zu, \"loops\": 0, \"seconds\": %.9f, \"wait\": %.6f, \"latency\": %.6f, \"version\": \"%s\", "
        "\"events\": %lld, \"compiled\": true}\n",
        rows.size(), spent.count(), wait / each, latency / each, "", (long long)clock.fired);
    return 0;
}
