// kube-scheduler at work: messages, what it writes when it binds, when it tries pods again; and its configurations.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "daemon/kubeconfig.h"
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

// The rows' spelling of placeholders in ours; `{uid:NAME}`, which the cluster knows, stays.
Json respelled(const Json& row) {
  std::string text = row.dump();
  for (const auto& [theirs, ours] :
       {std::pair<std::string_view, std::string_view>("{time}", "<time>"), {"{uid}", "<any-uid>"}, {"{rv}", "<any-rv>"}}) {
    for (std::size_t at = text.find(theirs); at != std::string::npos; at = text.find(theirs, at)) {
      text.replace(at, theirs.size(), ours);
    }
  }
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
    const Json setup = row.value("setup", Json::array());
    for (std::size_t i = 0; i < setup.size(); ++i) {
      before_setup(row, i, *running);
      if (!running->take(setup[i])) return Outcome::not_served(setup[i][1]["kind"]);
    }
    return follow(row, *running);
  }

 protected:
  // Before that step of the setup is taken.
  virtual void before_setup(const Json& row, std::size_t step, RunningScheduler& running) {}
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

// When the steps of a row begin, in seconds since its setup did. The setup's pods come when they were recorded to: whose backoffs end
// together depends on it.
struct Timetable {
  std::vector<double> setup, steps;
  std::optional<double> backoff_ends;  // the first time that one does
};

std::optional<double> made_at(const Json& row, const Json& step) {
  if (step[0] != "create" || step[1]["kind"] != "Pod") return std::nullopt;
  for (const Json& entry : row["trace"][0]["entries"]) {
    if (entry.value("event", "") == "UnschedulablePodAdd" && entry["pod"] == step[1]["metadata"]["name"]) {
      return entry["ms"].get<double>() / 1000;
    }
  }
  return std::nullopt;
}

double pause_of(const Json& step) { return step[0] == "sleep" ? step[1].get<double>() : 0; }

Timetable timetable(const Json& row) {
  Timetable out;
  double at = 0;
  for (const Json& step : row["setup"]) {
    at = std::max(at, made_at(row, step).value_or(0));
    out.setup.push_back(at);
    at += pause_of(step);
  }
  const double settles = row["settleSeconds"];
  at += settles;
  for (const Json& step : row["steps"]) {
    out.steps.push_back(at);
    at += pause_of(step) + settles;
  }
  for (std::size_t i = 0; i < row["trace"].size() && !out.backoff_ends; ++i) {
    for (const Json& entry : row["trace"][i]["entries"]) {
      if (entry.value("event", "") != "BackoffComplete" || out.backoff_ends) continue;
      out.backoff_ends = (i == 0 ? 0 : out.steps.at(i - 1)) + entry["ms"].get<double>() / 1000;
    }
  }
  return out;
}

Duration of_seconds(double seconds) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)); }

class QueuePlayer final : public ScriptPlayer {
  // Backoffs end at whole seconds: here, too, the first one ends when it was recorded to.
  void before_setup(const Json& row, std::size_t step, RunningScheduler& running) override {
    const Timetable times = timetable(row);
    if (step == 0) {
      if (times.backoff_ends) running.pass_to_phase(-of_seconds(*times.backoff_ends));
      began_ = running.now();
    }
    running.pass_until(began_ + of_seconds(times.setup[step]));
  }

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

  Steady began_{};
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
      if (const std::string& file = configuration.client_connection.kubeconfig; !file.empty()) daemon::load_kubeconfig(file);
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
