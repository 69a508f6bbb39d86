// Generated names of a scenario: `web-{2}` in the recording, `web-x7k2p` here. Objects that were made together and are equal are
// interchangeable: which is which is decided only when they first differ. Requests that name one take any for the time being.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ph::vectors {

class GeneratedNames {
 public:
  // Met for the first time, in this step. Names met before are left alone.
  void meet_recorded(const std::string& name);
  void meet_got(const std::string& name, const std::string& prefix);
  // The step is over: what was met in it, with the same prefix, is interchangeable.
  void end_step();

  // The name that stands for the recorded one, until they are decided otherwise; empty: there is none left.
  std::string take(const std::string& recorded);
  // All names in a text replaced: a recorded one by its counterpart, those on either side that are not decided yet by "web-{?}".
  std::string recorded_text(const std::string& text) const;
  std::string got_text(const std::string& text) const;

  // What stands for the recorded name now; empty: nothing yet.
  std::string counterpart(const std::string& recorded) const;

  // Decides between names whose objects differ. `same(recorded, got)`: whether both names' objects are alike; `twins(a, b)`:
  // whether two recorded names' objects are.
  void decide(const std::function<bool(const std::string&, const std::string&)>& same,
              const std::function<bool(const std::string&, const std::string&)>& twins);

 private:
  struct Group {
    std::string prefix;
    std::vector<std::string> recorded, got;
  };
  void bind_single();
  bool is_taken(const std::string& got) const;

  std::map<std::string, Group> new_;            // by prefix
  std::vector<Group> groups_;                   // undecided
  std::map<std::string, std::string> decided_;  // recorded → got; names in a group may still be decided otherwise
  std::map<std::string, std::string> known_;    // recorded names, and those of ours, that were met → prefix
};

// The tokens of that form in a text: "web-{2}".
std::vector<std::string> generated_names_in(const std::string& text);

}  // namespace ph::vectors
