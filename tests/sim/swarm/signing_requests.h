// What the swarms of CertificateSigningRequests ask for.
#pragma once

#include <string>
#include <vector>

#include "certificates/v1.pb.h"
#include "tests/sim/cluster.h"

namespace ph::sim::swarm {

// A kind of request, by the first word of its name.
struct Wish {
  std::string word;
  std::string signer, subject, alt_names;
  std::vector<std::string> usages;
  bool is_good = true;        // within its signer's rules
  bool is_kubelets = false;   // the loop approves it
  bool is_of_others = false;  // of a signer that is not built in
};
const std::vector<Wish>& wishes();
const Wish& wish_of(const std::string& name);

certificates::v1::CertificateSigningRequest request_of(const Wish& wish, int number);

// Whether it has a condition of that type; of the empty type: none at all.
bool says(const certificates::v1::CertificateSigningRequest& request, std::string_view type);

// As `kubectl certificate approve` or `deny`, of what nobody has decided; throws what the server answers.
void give_verdict(Cluster& cluster, const std::string& name, const std::string& type);

}  // namespace ph::sim::swarm
