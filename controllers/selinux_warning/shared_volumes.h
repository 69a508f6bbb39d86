// Who uses which volume with which label, and which of them are at odds. Pure.
//
// Labels and change policies are what nodes would mount a volume with (KEP-1710): where its driver cannot, the pod asks for Recursive, or
// has no label, the files are relabelled instead, and the policy is Recursive without a label.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"

namespace ph::controllers::selinux_warning {

// One pod's word of another that uses a volume of its own otherwise. Each has its own.
struct Conflict {
  std::string property;  // SELinuxLabel or SELinuxChangePolicy
  ObjectKey pod;
  std::string value;
  ObjectKey other;
  std::string other_value;

  auto operator<=>(const Conflict&) const = default;
  // Of the event about `pod`. Who is of another namespace is not named.
  std::string reason() const { return property + "Conflict"; }
  std::string message() const;
};

// Parts that one of them does not name are no conflict: nodes fill them in.
bool labels_conflict(std::string_view a, std::string_view b);

class SharedVolumes {
 public:
  struct Use {
    std::string label;  // of all containers that mount it
    bool asks_for_recursive = false;
    bool can_mount = false;  // the volume, with a label: as its driver says now

    bool operator==(const Use&) const = default;
  };
  // By the volumes' unique names.
  using Uses = std::map<std::string, Use>;

  struct Change {
    std::vector<Conflict> begun, ended;  // in order
  };
  // In the place of what the pod used before; nothing: it is gone. What a driver says of a volume holds for all of its pods at once.
  Change put(const ObjectKey& pod, const Uses& uses);

  // All there are, in order.
  std::vector<Conflict> conflicts() const;

 private:
  struct Volume {
    bool can_mount = false;
    std::map<ObjectKey, Use> pods;
  };
  void count(const Volume& volume, const ObjectKey* of, int by, std::map<Conflict, int>& changes) const;
  void set(const std::string& name, const ObjectKey& pod, const Use* use, std::map<Conflict, int>& changes);

  std::map<std::string, Volume> volumes_;
  std::map<ObjectKey, std::vector<std::string>> names_;  // of the volumes, by pod
  std::map<Conflict, int> conflicts_;                    // in how many volumes
};

}  // namespace ph::controllers::selinux_warning
