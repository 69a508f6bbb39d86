// What plugins of the manager's own would do, in their words: upstream's manager has some left (hostPath, NFS, local, CSI), none of
// which makes or deletes volumes in earnest; here there are none. Pure.
#pragma once

#include <string>

#include "controllers/persistent_volume_binder/names.h"

namespace ph::controllers::volume_binder {

// Who makes the volumes of a class.
struct Provisioner {
  std::string name;      // an external one: what its claims are told; empty: there is none
  std::string problem;   // why nobody makes any
  bool is_told = false;  // there is one by name, which claims are told, and it does not
};
Provisioner provisioner_of(const StorageClass& of);

// Why a volume that is to be deleted cannot be; empty: somebody else deletes it.
std::string deletion_problem(const Volume& volume);

}  // namespace ph::controllers::volume_binder
