// Plays a scenario of the loops step by step, in a simulated cluster of our own loops.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/vectors/cluster_calls.h"
#include "tests/vectors/loops_names.h"
#include "tests/vectors/loops_state.h"
#include "tests/vectors/scoring.h"

namespace ph::vectors {

class LoopsReplay {
 public:
  // Throws std::invalid_argument when its flags are not known.
  explicit LoopsReplay(const Json& scenario);

  // Levels: 1, all answers and objects agree; 2, all events, too. Ends with the first step whose objects differ.
  Outcome play();

  // Loops the scenario needs that are not here: it cannot be played.
  const std::vector<std::string>& absent() const { return absent_; }

 private:
  using Keyed = std::vector<std::pair<std::string, Json>>;  // told key and object, in order

  void prepare();
  bool is_run(std::string_view loop) const;
  bool is_served(const std::string& group, const std::string& version) const;
  // What differs in answers.
  std::string carry_out(const Json& step);
  std::string send(const Json& operation);
  void pass(const Json& operation, const Json& step);
  void heed(const std::string& note);
  // Until nobody has written for `patience_`; later timers are left alone.
  void settle();
  // Names of new revisions hold a hash of upstream's own making: ours are other ones, and told as theirs.
  void learn_hashes();
  // The minute that the recording masks is that of our one job of a cron job.
  void learn_minute();
  void meet_names(const Json& step);
  void decide_names();
  // Addresses go with the objects they were given to.
  void move_addresses(const GeneratedNames& before);
  bool is_judged(const std::string& key) const;

  // A recorded text with our namespace, addresses and masks; names stay.
  std::string here(const std::string& text) const;
  std::string recorded_text(const std::string& text) const { return with_hashes_told(names_.recorded_text(here(text))); }
  std::string with_hashes_told(std::string text) const;
  std::string got_text(const std::string& text) const;
  Json got(const Json& document) const;
  Json recorded(const Json& document) const { return Json::parse(recorded_text(document.dump())); }

  Keyed expected_state() const;
  Keyed actual_state() const;
  std::string compare_state() const;
  std::string compare_events(const Json& step);

  // In requests.
  std::string filled(std::string text);
  std::string address(const std::string& of);

  const Json& scenario_;
  std::vector<std::string> absent_;
  Duration patience_ = 1500ms;
  std::unique_ptr<sim::Cluster> cluster_;
  std::unique_ptr<LoopsState> state_;
  std::map<std::string, std::unique_ptr<ClusterCalls>> users_;
  GeneratedNames names_;
  std::map<std::string, Json> expected_;          // by recorded key: the sum of all steps
  std::set<std::string> gone_;                    // recorded keys that were there
  std::set<Json> repeated_;                       // events of steps that did not become quiet, without their counts
  std::map<std::string, Json> baseline_;          // what was there before the first step
  std::map<std::string, std::string> hashes_;     // ours → recorded
  std::string minute_;                            // in names of jobs; empty: not known yet
  std::map<std::string, std::string> addresses_;  // "ip(web-{1})" → what the script gave
};

}  // namespace ph::vectors
