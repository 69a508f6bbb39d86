// What a transcript talks to: candidates, each an Elector, and one lease that a server would keep. A request is carried out and
// answered at the moment it is made, unless the transcript says otherwise.
#pragma once

#include <fmt/format.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>

#include "api/sorted.h"
#include "api/times.h"
#include "election/elector.h"

namespace ph::election::testing {

class TranscriptWorld {
 public:
  // Carries out one command; returns what happened, one line each. Throws std::runtime_error for a command that is none.
  std::string run(const std::string& command);

 private:
  using Lease = coordination::v1::Lease;
  using Words = std::map<std::string, std::string>;  // `name=value`; a bare word has an empty value

  struct FixedRng final : Rng {
    explicit FixedRng(double fraction) : value(static_cast<std::uint64_t>(fraction * 0x1p64)) {}
    std::uint64_t next() override { return value; }
    std::uint64_t value;
  };

  // What becomes of a candidate's requests.
  enum class Line {
    Up,
    Cut,      // they vanish
    Deaf,     // they are carried out; the answers vanish
    Refused,  // each is answered with an error
    Held,     // they wait
  };

  struct Candidate {
    Candidate(std::string name, const ElectorConfig& config, double jitter)
        : name(std::move(name)), rng(jitter), elector(config, rng) {}
    std::string name;
    FixedRng rng;
    Elector elector;
    Duration skew{};  // of its wall clock
    bool watches = false;
    Line line = Line::Up;
    std::optional<Act> under_way;
  };

  struct Reply {
    Answer answer;
    std::optional<Lease> lease;
  };

  Candidate& candidate(const std::string& name);
  void add(const std::string& name, Words words);
  void advance(Duration by);
  void edit(const Words& words);
  void remove();

  Moment now(const Candidate& who) const;
  void take(Candidate& who, Acts acts);
  void serve(Candidate& who);
  Reply carry_out(const Act& act);
  void answer(Candidate& who, Reply reply);
  void tell_watchers();
  void settle();
  void say(const std::string& who, const std::string& what);
  std::string text(const Lease& lease) const;

  Duration passed_{};
  std::map<std::string, std::unique_ptr<Candidate>> candidates_;
  std::optional<Lease> lease_;
  int versions_ = 0, objects_ = 0;
  std::deque<std::function<void()>> later_;
  std::string out_;
};

inline std::string TranscriptWorld::run(const std::string& command) {
  std::istringstream in(command);
  std::string verb, name, word;
  in >> verb;
  const bool of_lease = verb == "edit" || verb == "delete" || verb == "show";
  if (!of_lease) in >> name;
  Words words;
  while (in >> word) {
    const auto mark = word.find('=');
    words[word.substr(0, mark)] = mark == std::string::npos ? "" : word.substr(mark + 1);
  }
  out_.clear();
  if (verb == "candidate") {
    add(name, words);
  } else if (verb == "start") {
    take(candidate(name), candidate(name).elector.start(now(candidate(name))));
  } else if (verb == "stop") {
    take(candidate(name), candidate(name).elector.stop(now(candidate(name))));
  } else if (verb == "ended") {
    take(candidate(name), candidate(name).elector.ended(now(candidate(name))));
  } else if (verb == "line") {
    static const std::map<std::string, Line> kLines = {
        {"up", Line::Up}, {"cut", Line::Cut}, {"deaf", Line::Deaf}, {"refused", Line::Refused}, {"held", Line::Held}};
    candidate(name).line = kLines.at(words.begin()->first);
  } else if (verb == "let") {  // a held request, on
    serve(candidate(name));
  } else if (verb == "skew") {
    candidate(name).skew = api::parse_duration(words.begin()->first).value();
  } else if (verb == "advance") {
    advance(api::parse_duration(name).value());
  } else if (verb == "edit") {
    edit(words);
  } else if (verb == "delete") {
    remove();
  } else if (verb == "show") {
    say("lease", lease_ ? text(*lease_) : "none");
  } else {
    throw std::runtime_error("no such command: " + command);
  }
  settle();
  return out_;
}

inline TranscriptWorld::Candidate& TranscriptWorld::candidate(const std::string& name) { return *candidates_.at(name); }

inline void TranscriptWorld::add(const std::string& name, Words words) {
  const auto duration = [&](const char* key, Duration usual) {
    return words.contains(key) ? api::parse_duration(words[key]).value() : usual;
  };
  const Duration renew = duration("renew", 10s);
  const ElectorConfig config{.lease = {"kube-system", "demo"},
                             .identity = words.contains("identity") ? words["identity"] : name,
                             .lease_duration = duration("lease", 15s),
                             .renew_deadline = renew,
                             .retry_period = duration("retry", 2s),
                             .attempt_timeout = renew / 2,
                             .release = !words.contains("keeps")};
  auto made = std::make_unique<Candidate>(name, config, words.contains("jitter") ? std::stod(words["jitter"]) : 0.0);
  made->skew = duration("skew", 0s);
  made->watches = words.contains("watches");
  candidates_[name] = std::move(made);
}

// Every candidate is woken at its time, whatever becomes of it.
inline void TranscriptWorld::advance(Duration by) {
  const Duration end = passed_ + by;
  for (;;) {
    Candidate* first = nullptr;
    for (const auto& [name, who] : candidates_) {
      const auto at = who->elector.wake_at();
      if (at && (first == nullptr || *at < *first->elector.wake_at())) first = who.get();
    }
    if (first == nullptr || first->elector.wake_at()->time_since_epoch() > end) break;
    passed_ = std::max(passed_, first->elector.wake_at()->time_since_epoch());
    take(*first, first->elector.wake(now(*first)));
    settle();
  }
  passed_ = end;
}

inline void TranscriptWorld::edit(const Words& words) {
  auto& spec = *lease_.value().mutable_spec();
  for (const auto& [name, value] : words) {
    if (name == "holder") spec.set_holder_identity(value);
    if (name == "duration") spec.set_lease_duration_seconds(std::stoi(value));
    if (name == "transitions") spec.set_lease_transitions(std::stoi(value));
    if (name == "preferred") spec.set_preferred_holder(value);
    if (name == "strategy") spec.set_strategy(value);
    if (name == "label") (*lease_->mutable_metadata()->mutable_labels())["label"] = value;
  }
  lease_->mutable_metadata()->set_resource_version(std::to_string(++versions_));
  tell_watchers();
}

inline void TranscriptWorld::remove() {
  lease_.reset();
  tell_watchers();
}

inline Moment TranscriptWorld::now(const Candidate& who) const { return {Steady(passed_), Time(passed_ + who.skew)}; }

inline void TranscriptWorld::take(Candidate& who, Acts acts) {
  for (Act& act : acts) {
    std::string line(name_of(act.kind));
    const bool writes = act.kind == Act::Kind::Create || act.kind == Act::Kind::Update || act.kind == Act::Kind::Release;
    if (writes) line += " " + text(act.lease);
    if (act.kind == Act::Kind::Begin || act.kind == Act::Kind::Extend) {
      line += fmt::format(", certain until {:.3f}", std::chrono::duration<double>(act.until.time_since_epoch()).count());
    }
    if (!act.text.empty()) line += (act.kind == Act::Kind::NewLeader ? " " : ": ") + act.text;
    say(who.name, line);
    if (act.kind == Act::Kind::Abandon) who.under_way.reset();
    if (!writes && act.kind != Act::Kind::Get) continue;
    who.under_way = std::move(act);
    if (who.line != Line::Held) later_.push_back([this, &who] { serve(who); });
  }
}

inline void TranscriptWorld::serve(Candidate& who) {
  if (!who.under_way || who.line == Line::Cut) return;
  if (who.line == Line::Refused) return answer(who, {Answer::Error, {}});
  const Act act = *who.under_way;
  Reply reply = carry_out(act);
  if (who.line == Line::Deaf) return;
  answer(who, std::move(reply));
}

inline TranscriptWorld::Reply TranscriptWorld::carry_out(const Act& act) {
  if (act.kind == Act::Kind::Get) return lease_ ? Reply{Answer::Ok, lease_} : Reply{Answer::NotFound, {}};
  if (act.kind == Act::Kind::Create) {
    if (lease_) return {Answer::Conflict, {}};
    lease_ = act.lease;
    lease_->mutable_metadata()->set_uid("uid" + std::to_string(++objects_));
  } else {
    if (!lease_) return {Answer::NotFound, {}};
    if (lease_->metadata().resource_version() != act.lease.metadata().resource_version()) return {Answer::Conflict, {}};
    lease_ = act.lease;
  }
  lease_->mutable_metadata()->set_resource_version(std::to_string(++versions_));
  tell_watchers();
  return {Answer::Ok, lease_};
}

inline void TranscriptWorld::answer(Candidate& who, Reply reply) {
  static const std::map<Answer, const char*> kWords = {
      {Answer::Ok, "ok"}, {Answer::NotFound, "not found"}, {Answer::Conflict, "conflict"}, {Answer::Error, "error"}};
  who.under_way.reset();
  say(who.name, fmt::format("<- {}{}", kWords.at(reply.answer), reply.lease ? " " + text(*reply.lease) : ""));
  take(who, who.elector.answered(now(who), reply.answer, reply.lease ? &*reply.lease : nullptr));
}

// Watches show every state, in order, after the answer to who made it.
inline void TranscriptWorld::tell_watchers() {
  for (const auto& [name, who] : candidates_) {
    if (!who->watches) continue;
    later_.push_back([this, who = who.get(), lease = lease_] {
      if (who->line != Line::Up) return;
      take(*who, lease ? who->elector.observed(now(*who), *lease) : who->elector.observed_gone(now(*who)));
    });
  }
}

inline void TranscriptWorld::settle() {
  while (!later_.empty()) {
    const auto work = std::move(later_.front());
    later_.pop_front();
    work();
  }
}

inline void TranscriptWorld::say(const std::string& who, const std::string& what) {
  out_ += fmt::format("{:8.3f} {}: {}\n", std::chrono::duration<double>(passed_).count(), who, what);
}

inline std::string TranscriptWorld::text(const Lease& lease) const {
  const auto& spec = lease.spec();
  const auto seconds = [](const auto& time) {
    return std::chrono::duration<double>(api::to_time(time).time_since_epoch()).count();
  };
  std::string out = fmt::format("{{{} for {}s, acquired {}, renewed {}, transitions {}",
                                spec.holder_identity().empty() ? "nobody" : spec.holder_identity(), spec.lease_duration_seconds(),
                                seconds(spec.acquire_time()), seconds(spec.renew_time()), spec.lease_transitions());
  if (spec.has_strategy()) out += ", strategy " + spec.strategy();
  if (spec.has_preferred_holder()) out += ", preferred " + spec.preferred_holder();
  for (const auto* label : sorted(lease.metadata().labels())) out += ", label " + label->second;
  if (!lease.metadata().uid().empty())
    out += fmt::format("; {} version {}", lease.metadata().uid(), lease.metadata().resource_version());
  return out + "}";
}

}  // namespace ph::election::testing
