// kube-scheduler at work: messages, what it writes when it binds, when it tries pods again; and its configurations.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/vectors/play.h"
#include "tests/vectors/scheduler_cycle.h"
#include "tests/vectors/scheduler_running.h"

namespace ph::vectors {
namespace {

std::string name_of(const Json& row) { return row.at("name"); }
// "message-extender-refuses": the second word.
std::string theme_of(const Json& row) {
  const std::string name = row.at("name");
  const std::size_t begin = name.find('-') + 1;
  return name.substr(begin, name.find('-', begin) - begin);
}

// Whether all that was recorded of an object is so; lists are whole.
bool includes(const Json& recorded, const Json& got, Bindings& bindings) {
  if (!recorded.is_object() || !got.is_object()) return matches(recorded, got, bindings);
  for (const auto& [name, value] : recorded.items()) {
    if (!got.contains(name) || !includes(value, got[name], bindings)) return false;
  }
  return true;
}

// `{time}` is the rows' spelling of `<time>`.
Json respelled(const Json& row) {
  std::string text = row.dump();
  for (std::size_t at = text.find("{time}"); at != std::string::npos; at = text.find("{time}", at)) text.replace(at, 6, "<time>");
  return Json::parse(text);
}

class ScriptPlayer : public Player {
 public:
  Outcome play(const Json& recorded) final {
    const Json row = respelled(recorded);
    std::optional<RunningScheduler> running;
    try {
      running.emplace(row.value("config", Json()),
                      row["name"].get<std::string>().starts_with("queue") ? "refused" : "no room says extender");
    } catch (const std::exception& error) {
      return Outcome::not_served(std::string("configuration: ") + shortened(error.what(), 120));
    }
    for (const Json& step : row.value("setup", Json::array())) {
      if (!running->take(step)) return Outcome::not_served(step[1]["kind"]);
    }
    return follow(row, *running);
  }

 protected:
  virtual Outcome follow(const Json& row, RunningScheduler& running) = 0;
};

// -- Messages and bindings

class MessagesPlayer final : public ScriptPlayer {
  Outcome follow(const Json& row, RunningScheduler& running) override {
    for (const Json& step : row["steps"]) {
      if (!running.take(step)) return Outcome::not_served(step[1]["kind"]);
    }
    running.pass(0.9);  // whoever failed by an error waits for a second, and was recorded before that
    Bindings bindings;
    if (const std::string differs = differences(row["pods"], running.pods(), bindings); !differs.empty()) {
      return Outcome::differs(0, "pods: " + kind_of_difference(differs), "pods\n" + differs);
    }
    if (const std::string differs = differences(row["events"], running.events(), bindings); !differs.empty()) {
      return Outcome::differs(1, "events: " + kind_of_difference(differs), "events\n" + differs);
    }
    for (const Json& object : row.value("after", Json::array())) {
      Json got = running.get(object);
      got["kind"] = object["kind"];
      if (includes(object, got, bindings)) continue;
      return Outcome::differs(2, "objects: " + object["kind"].get<std::string>(),
                              fmt::format("recorded {}\ngot      {}\n", object.dump(), got.dump()));
    }
    return Outcome::agrees(3);
  }
};

TEST(Scheduler, Messages) {
  MessagesPlayer player;
  play({.name = "scheduler/messages", .levels = {"pods", "events", "whole"}, .row_name = name_of, .group = theme_of}, player);
}

TEST(Scheduler, Binding) {
  MessagesPlayer player;
  play({.name = "scheduler/binding", .levels = {"pods", "events", "whole"}, .row_name = name_of, .group = theme_of}, player);
}

// -- Queueing

class QueuePlayer final : public ScriptPlayer {
  Outcome follow(const Json& row, RunningScheduler& running) override {
    Outcome out = Outcome::agrees(3);
    check("setup", row["trace"][0], row, running, out);
    std::size_t number = 0;
    for (const Json& step : row["steps"]) {
      if (!running.take(step)) return Outcome::not_served(step[1]["kind"]);
      ++number;
      if (number < row["trace"].size())
        check(fmt::format("step {} ({})", number - 1, step[0].get<std::string>()), row["trace"][number], row, running, out);
    }
    Bindings bindings;
    const std::string differs = differences(row["pods"], running.pods(), bindings);
    if (differs.empty()) return out;
    return Outcome::differs(0, "pods: " + kind_of_difference(differs), "pods\n" + differs + out.shown);
  }

  // What happened since the last time.
  void check(const std::string& where, const Json& recorded, const Json& row, RunningScheduler& running, Outcome& out) {
    running.pass(row["settleSeconds"]);
    int attempts = 0;
    std::map<std::string, int> moves;
    for (const Json& entry : recorded["entries"]) {
      attempts += entry["what"] == "attempt";
      if (entry["what"] == "moved") ++moves[entry["event"]];
    }
    const int attempts_now = running.attempts();
    std::map<std::string, int> moves_now = running.moves(), moved;
    for (const auto& [event, count] : moves_now) {
      if (count > moves_[event]) moved[event] = count - moves_[event];
    }
    if (attempts != attempts_now - attempts_) {
      out.level = std::min(out.level, 1);
      out.kinds.push_back(fmt::format("attempts after {}", where.substr(where.find('('))));
      out.shown += fmt::format("{}: recorded {} attempts, got {}\n", where, attempts, attempts_now - attempts_);
    }
    if (moves != moved) {
      out.level = std::min(out.level, 2);
      out.kinds.push_back("moves: " + Json(moves).dump() + " are " + Json(moved).dump());
      out.shown += fmt::format("{}: recorded moves {}, got {}\n", where, Json(moves).dump(), Json(moved).dump());
    }
    attempts_ = attempts_now;
    moves_ = moves_now;
  }

  int attempts_ = 0;
  std::map<std::string, int> moves_;
};

class FreshQueuePlayer final : public Player {
 public:
  Outcome play(const Json& row) override { return QueuePlayer().play(row); }
};

TEST(Scheduler, Queue) {
  FreshQueuePlayer player;
  play({.name = "scheduler/queue", .levels = {"pods", "attempts", "whole"}, .row_name = name_of, .group = theme_of}, player);
}

// -- Configurations

class ConfigPlayer final : public Player {
 public:
  Outcome play(const Json& row) override {
    std::string error, document;
    try {
      const Json nothing = {{"objects", Json::object()}, {"pod", Json::parse(R"({"metadata":{"name":"p"},"spec":{}})")}};
      auto configuration = scheduler::Configuration::parse(row["input"].get<std::string>());
      document = configuration.document;
      IdleScheduler(nothing, std::move(configuration));
    } catch (const std::exception& refusal) {
      error = refusal.what();
      if (error.empty()) error = "(no words)";
    }
    if (row["accepted"].get<bool>()) {
      if (!error.empty()) return Outcome::differs(0, "refused: " + shortened(error, 80), error + "\n");
      Bindings none;
      const std::string differs = differences(row["output"], Json::parse(document), none);
      return differs.empty() ? Outcome::agrees(2) : Outcome::differs(1, "output: " + kind_of_difference(differs), differs);
    }
    const std::string recorded = row["error"];
    if (error.empty())
      return Outcome::differs(0, "accepted: " + shortened(recorded, 80), "recorded " + recorded + "\ngot      no error\n");
    Bindings bindings;
    if (matches_text(recorded, error, bindings)) return Outcome::agrees(2);
    return Outcome::differs(1, "error: " + shortened(recorded, 60), fmt::format("recorded {}\ngot      {}\n", recorded, error));
  }
};

TEST(Scheduler, Config) {
  ConfigPlayer player;
  play({.name = "scheduler/config", .levels = {"accepted", "whole"}, .row_name = name_of, .group = theme_of}, player);
}

}  // namespace
}  // namespace ph::vectors
