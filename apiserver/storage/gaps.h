// Where history is incomplete: directories of keys of which only the last value is kept (Mutation::last_value_only).
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/revision.h"

namespace ph::apiserver {

// "/registry/events/default/" of "/registry/events/default/a".
inline std::string_view directory_of(std::string_view key) { return key.substr(0, key.rfind('/') + 1); }

class Gaps {
 public:
  // A change of `key` at `revision` was not recorded. True when its directory had no gap before.
  bool note(std::string_view key, Revision revision) { return note_directory(directory_of(key), revision); }

  bool note_directory(std::string_view directory, Revision revision) {
    if (const auto found = newest_.find(directory); found != newest_.end()) {
      found->second = std::max(found->second, revision);
      return false;
    }
    newest_.emplace(directory, revision);
    return true;
  }

  // The newest unrecorded change of a key with this prefix; 0 when there was none.
  Revision newest(std::string_view prefix) const {
    Revision found;
    for (const auto& [directory, revision] : newest_) {
      if (overlap(directory, prefix)) found = std::max(found, revision);
    }
    return found;
  }

  // The gaps after `since` of keys with this prefix.
  std::vector<std::pair<std::string, Revision>> after(std::string_view prefix, Revision since) const {
    std::vector<std::pair<std::string, Revision>> found;
    for (const auto& [directory, revision] : newest_) {
      if (revision > since && overlap(directory, prefix)) found.emplace_back(directory, revision);
    }
    return found;
  }

  // Whether one of two prefixes begins with the other: some key may have both.
  static bool overlap(std::string_view a, std::string_view b) { return a.starts_with(b) || b.starts_with(a); }

 private:
  std::map<std::string, Revision, std::less<>> newest_;
};

}  // namespace ph::apiserver
