#include "pilothouse/cis_checks.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/times.h"

namespace ph::pilothouse {
namespace {

using daemon::FlagValues;
using enum CisPart;
using enum CisStatus;

CisVerdict pass(std::string reason) { return {Pass, std::move(reason)}; }
CisVerdict fail(std::string reason) { return {Fail, std::move(reason)}; }
CisVerdict manual(std::string reason) { return {Manual, std::move(reason)}; }

std::string shown(const char* flag, const std::string& value) { return fmt::format("--{}={}", flag, value); }

// "[a,b]", or pairs without brackets.
std::vector<std::string> items(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool holds(const std::string& list, std::string_view word) {
  const auto all = items(list);
  return std::ranges::find(all, word) != all.end();
}

std::string value_of(const FlagValues& flags, const std::string& name) {
  const auto found = flags.find(name);
  return found == flags.end() ? std::string() : found->second;
}

// -- Rules of flags: `on` is the flag.

using FlagRule = CisVerdict (*)(const FlagValues& flags, const CisCheck& check);

// A rule of the flags of its part, where they are known.
template <FlagRule Rule>
CisVerdict by_flags(const CisFacts& facts, const CisCheck& check) {
  const CisDaemon& daemon = facts.of(check.part);
  if (daemon.within_apiserver) {
    return {
        NotApplicable,
        "part of the apiserver's process: it has no port, uses the data directory's keys, and its loops are users of their own"};
  }
  if (!daemon.flags) return manual("this daemon was not asked: name its port");
  return Rule(*daemon.flags, check);
}

CisVerdict is_value(const FlagValues& flags, const CisCheck& check) {
  const auto found = flags.find(check.on);
  if (found == flags.end()) return manual(fmt::format("/flagz does not show --{}", check.on));
  return {found->second == check.wanted ? Pass : Fail, shown(check.on, found->second)};
}

CisVerdict is_empty(const FlagValues& flags, const CisCheck& check) {
  const std::string value = value_of(flags, check.on);
  return value.empty() ? pass(fmt::format("--{} is not set", check.on)) : fail(shown(check.on, value));
}

CisVerdict is_set(const FlagValues& flags, const CisCheck& check) {
  const std::string value = value_of(flags, check.on);
  return value.empty() ? fail(fmt::format("--{} is not set", check.on)) : pass(shown(check.on, value));
}

// What a program has by itself, in the words of `wanted`, when the flag does not say.
CisVerdict has_by_itself(const FlagValues& flags, const CisCheck& check) {
  const std::string value = value_of(flags, check.on);
  return pass(value.empty() || value == "[]" ? check.wanted : shown(check.on, value));
}

CisVerdict is_at_least(const FlagValues& flags, const CisCheck& check) {
  const auto number = [](std::string_view text) {
    long long out = -1;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
  };
  const std::string value = value_of(flags, check.on);
  const bool enough = number(value) >= number(check.wanted);
  return {enough ? Pass : Fail, fmt::format("{}; at least {}", shown(check.on, value), check.wanted)};
}

CisVerdict is_no_longer(const FlagValues& flags, const CisCheck& check) {
  const std::string value = value_of(flags, check.on);
  const auto duration = api::parse_duration(value), longest = api::parse_duration(check.wanted);
  const bool good = duration && longest && *duration > Duration::zero() && *duration <= *longest;
  return {good ? Pass : Fail, fmt::format("{}; up to {}", shown(check.on, value), check.wanted)};
}

CisVerdict lacks(const FlagValues& flags, const CisCheck& check) {
  const std::string value = value_of(flags, check.on);
  return {holds(value, check.wanted) ? Fail : Pass, shown(check.on, value)};
}

// Where a file says it, the flag means nothing.
CisVerdict refuses_nobodies(const FlagValues& flags, const CisCheck& check) {
  const std::string file = value_of(flags, "authentication-config");
  return file.empty() ? is_value(flags, check) : manual(fmt::format("{} may say it: look there at `anonymous`", file));
}

// Of authorizers; without a word there are two.
CisVerdict authorizes(const FlagValues& flags, const CisCheck& check, bool wanted) {
  if (const std::string file = value_of(flags, "authorization-config"); !file.empty())
    return manual(fmt::format("{} says who is asked: look there", file));
  std::string modes = value_of(flags, check.on);
  if (items(modes).empty()) modes = "[Node,RBAC]";
  return {holds(modes, check.wanted) == wanted ? Pass : Fail, shown(check.on, modes)};
}
CisVerdict authorizes_by(const FlagValues& flags, const CisCheck& check) { return authorizes(flags, check, true); }
CisVerdict authorizes_not_by(const FlagValues& flags, const CisCheck& check) { return authorizes(flags, check, false); }

// `on`: an admission plugin that is off by default; one that is on.
CisVerdict admits_with(const FlagValues& flags, const CisCheck& check) {
  const std::string asked = value_of(flags, "enable-admission-plugins");
  if (holds(value_of(flags, "disable-admission-plugins"), check.on)) return fail(fmt::format("{} is disabled", check.on));
  return {holds(asked, check.on) ? Pass : Fail, shown("enable-admission-plugins", asked)};
}
CisVerdict admits_still_with(const FlagValues& flags, const CisCheck& check) {
  const std::string without = value_of(flags, "disable-admission-plugins");
  return {holds(without, check.on) ? Fail : Pass, shown("disable-admission-plugins", without)};
}

// -- Of files: `on` says which, with a * in it, and `wanted` the rights that there may be, in octal.

bool is_called(std::string_view path, std::string_view pattern) {
  const auto star = pattern.find('*');
  if (star == pattern.npos) return path == pattern;
  const std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
  return path.size() >= before.size() + after.size() && path.starts_with(before) && path.ends_with(after);
}

// Of several patterns, with spaces between them.
bool is_one_of(std::string_view path, std::string_view patterns) {
  while (!patterns.empty()) {
    const auto end = std::min(patterns.find(' '), patterns.size());
    if (is_called(path, patterns.substr(0, end))) return true;
    patterns.remove_prefix(std::min(end + 1, patterns.size()));
  }
  return false;
}

// `problem`: what is wrong with a file; empty: nothing.
template <class Problem>
CisVerdict by_files(const CisFacts& facts, const CisCheck& check, const char* good, Problem&& problem) {
  if (!facts.files) return manual("the data directory cannot be looked at from here: name it, on its machine, as its user");
  std::size_t count = 0;
  for (const CisFile& file : *facts.files) {
    if (!is_one_of(file.path, check.on)) continue;
    ++count;
    if (const std::string what = problem(file); !what.empty()) return fail(fmt::format("{} {}", file.path, what));
  }
  if (count == 0) return {NotApplicable, fmt::format("there is no {} in the data directory", check.on)};
  return pass(fmt::format("{} {}", check.on, good));
}

CisVerdict has_mode(const CisFacts& facts, const CisCheck& check) {
  unsigned allowed = 0;
  const std::string_view octal = check.wanted;
  std::from_chars(octal.data(), octal.data() + octal.size(), allowed, 8);
  return by_files(facts, check, fmt::format("has mode {} or less", check.wanted).c_str(), [&](const CisFile& file) {
    return (file.mode & ~allowed) == 0 ? std::string() : fmt::format("has mode {:04o}", file.mode);
  });
}

// The benchmark names root, or etcd's user; here it is whose the data directory is.
CisVerdict is_the_owners(const CisFacts& facts, const CisCheck& check) {
  unsigned owner = 0;
  for (const CisFile& file : facts.files.value_or(std::vector<CisFile>())) {
    if (file.path == ".") owner = file.uid;
  }
  return by_files(facts, check, fmt::format("belongs to uid {} or root", owner).c_str(), [&](const CisFile& file) {
    return file.uid == owner || file.uid == 0 ? std::string() : fmt::format("belongs to uid {}", file.uid);
  });
}

// -- Others

// The first provider of every list writes.
CisVerdict encrypts_well(const CisFacts& facts, const CisCheck& check) {
  if (const CisDaemon& server = facts.of(ApiServer); server.flags && value_of(*server.flags, check.on).empty())
    return {NotApplicable, "nothing is encrypted"};
  if (!facts.encryption) return manual("the configuration cannot be read from here");
  nlohmann::json document;
  try {
    document = nlohmann::json::parse(api::yaml_to_json(*facts.encryption), nullptr, false);
  } catch (const api::DecodeError&) {
    return fail("the configuration cannot be understood");
  }
  const nlohmann::json none = nlohmann::json::array();
  const nlohmann::json& lists = document.is_object() && document.contains("resources") ? document["resources"] : none;
  if (!lists.is_array() || lists.empty()) return fail("the configuration names no resources");
  for (const nlohmann::json& list : lists) {
    const nlohmann::json& providers = list.is_object() && list.contains("providers") ? list["providers"] : none;
    const bool named = providers.is_array() && !providers.empty() && providers.front().is_object() && !providers.front().empty();
    const std::string first = named ? providers.front().begin().key() : "identity";
    if (!holds(check.wanted, first)) return fail(fmt::format("{} writes", first));
  }
  return pass("what is written is encrypted by one of " + std::string(check.wanted));
}

CisVerdict not_applicable(const CisFacts&, const CisCheck& check) { return {NotApplicable, check.wanted}; }
CisVerdict by_hand(const CisFacts&, const CisCheck& check) { return manual(check.wanted); }
// Whatever is asked for.
CisVerdict built_in(const CisFacts&, const CisCheck& check) { return pass(check.wanted); }

constexpr char kNoPods[] = "the programs are not started by pod files";
constexpr char kNoNetwork[] = "there is no container network on this machine's behalf";
constexpr char kNoEtcd[] = "there is no etcd: the store is in the apiserver's process and has no port";
constexpr char kCiphers[] = "built in: ECDHE with AES-GCM or ChaCha20-Poly1305, of TLS 1.2 and 1.3";

constexpr auto Is = by_flags<is_value>;
constexpr auto RefusesNobodies = by_flags<refuses_nobodies>;
constexpr auto Unset = by_flags<is_empty>;
constexpr auto Set = by_flags<is_set>;
constexpr auto Own = by_flags<has_by_itself>;
constexpr auto AtLeast = by_flags<is_at_least>;
constexpr auto NoLonger = by_flags<is_no_longer>;
constexpr auto Lacks = by_flags<lacks>;
constexpr auto Authorizes = by_flags<authorizes_by>;
constexpr auto AuthorizesNot = by_flags<authorizes_not_by>;
constexpr auto Admits = by_flags<admits_with>;
constexpr auto StillAdmits = by_flags<admits_still_with>;

// clang-format off
constexpr CisCheck kChecks[] = {
    {"1.1.1", "Others cannot read the apiserver's pod file", ApiServer, not_applicable, "", kNoPods, ""},
    {"1.1.2", "The apiserver's pod file is root's", ApiServer, not_applicable, "", kNoPods, ""},
    {"1.1.3", "Others cannot read the controller manager's pod file", ApiServer, not_applicable, "", kNoPods, ""},
    {"1.1.4", "The controller manager's pod file is root's", ApiServer, not_applicable, "", kNoPods, ""},
    {"1.1.5", "Others cannot read the scheduler's pod file", ApiServer, not_applicable, "", kNoPods, ""},
    {"1.1.6", "The scheduler's pod file is root's", ApiServer, not_applicable, "", kNoPods, ""},
    {"1.1.7", "Others cannot read etcd's pod file", ApiServer, not_applicable, "", kNoEtcd, ""},
    {"1.1.8", "etcd's pod file is root's", ApiServer, not_applicable, "", kNoEtcd, ""},
    {"1.1.9", "Others cannot read the container network's files", ApiServer, not_applicable, "", kNoNetwork, ""},
    {"1.1.10", "The container network's files are root's", ApiServer, not_applicable, "", kNoNetwork, ""},
    {"1.1.11", "Others cannot enter the store", ApiServer, has_mode, ". store", "0700", "chmod 700 the data directory and its folder `store`"},
    {"1.1.12", "The store is its server's user's", ApiServer, is_the_owners, "store", "", "chown the folder `store` to the data directory's user"},
    {"1.1.13", "Others cannot read the administrator's kubeconfig", ApiServer, has_mode, "admin.kubeconfig", "0600", "chmod 600 admin.kubeconfig"},
    {"1.1.14", "The administrator's kubeconfig is its server's user's", ApiServer, is_the_owners, "admin.kubeconfig", "", "chown admin.kubeconfig to the data directory's user"},
    {"1.1.15", "Others cannot read the scheduler's kubeconfig", ApiServer, has_mode, "scheduler.kubeconfig", "0600", "chmod 600 scheduler.kubeconfig"},
    {"1.1.16", "The scheduler's kubeconfig is its server's user's", ApiServer, is_the_owners, "scheduler.kubeconfig", "", "chown scheduler.kubeconfig to the data directory's user"},
    {"1.1.17", "Others cannot read the controller manager's kubeconfig", ApiServer, has_mode, "controller-manager.kubeconfig", "0600", "chmod 600 controller-manager.kubeconfig"},
    {"1.1.18", "The controller manager's kubeconfig is its server's user's", ApiServer, is_the_owners, "controller-manager.kubeconfig", "", "chown controller-manager.kubeconfig to the data directory's user"},
    {"1.1.19", "Keys and certificates are their server's user's", ApiServer, is_the_owners, "pki pki/*", "", "chown -R the folder `pki` to the data directory's user"},
    {"1.1.20", "Others cannot change certificates", ApiServer, has_mode, "pki/*.crt", "0644", "chmod 644 pki/*.crt"},
    {"1.1.21", "Others cannot read keys", ApiServer, has_mode, "pki/*.key pki/encryption.yaml", "0600", "chmod 600 pki/*.key pki/encryption.yaml"},

    {"1.2.1", "Who shows no credentials is refused", ApiServer, RefusesNobodies, "anonymous-auth", "false", "--anonymous-auth=false"},
    {"1.2.2", "There are no tokens in a file", ApiServer, Unset, "token-auth-file", "", "give users certificates or tokens of an issuer, and take --token-auth-file away"},
    {"1.2.3", "Services cannot take addresses of others", ApiServer, Admits, "DenyServiceExternalIPs", "", "--enable-admission-plugins=…,DenyServiceExternalIPs"},
    {"1.2.4", "Kubelets are shown a client certificate", ApiServer, Own, "kubelet-client-certificate", "one that the data directory's authority has signed", "--kubelet-client-certificate and --kubelet-client-key"},
    {"1.2.5", "Kubelets' certificates are verified", ApiServer, Set, "kubelet-certificate-authority", "", "--kubelet-certificate-authority=pki/ca.crt, and certificates of that authority for the kubelets"},
    {"1.2.6", "Not everybody may do everything", ApiServer, AuthorizesNot, "authorization-mode", "AlwaysAllow", "--authorization-mode=Node,RBAC"},
    {"1.2.7", "Nodes reach no more than what is theirs", ApiServer, Authorizes, "authorization-mode", "Node", "--authorization-mode=Node,RBAC"},
    {"1.2.8", "Roles say who may do what", ApiServer, Authorizes, "authorization-mode", "RBAC", "--authorization-mode=Node,RBAC"},
    {"1.2.9", "Events are limited in their rate", ApiServer, Admits, "EventRateLimit", "", "--enable-admission-plugins=…,EventRateLimit, and its limits in --admission-control-config-file"},
    {"1.2.10", "Admission does look at objects", ApiServer, Lacks, "enable-admission-plugins", "AlwaysAdmit", "take AlwaysAdmit from --enable-admission-plugins"},
    {"1.2.11", "Images are pulled with the pod's own credentials", ApiServer, Admits, "AlwaysPullImages", "", "--enable-admission-plugins=…,AlwaysPullImages"},
    {"1.2.12", "Pods have service accounts", ApiServer, StillAdmits, "ServiceAccount", "", "take ServiceAccount from --disable-admission-plugins"},
    {"1.2.13", "Nothing is made in namespaces that are not there", ApiServer, StillAdmits, "NamespaceLifecycle", "", "take NamespaceLifecycle from --disable-admission-plugins"},
    {"1.2.14", "Nodes change no more than what is theirs", ApiServer, Admits, "NodeRestriction", "", "--enable-admission-plugins=…,NodeRestriction"},
    {"1.2.15", "The apiserver shows no profiles", ApiServer, Is, "profiling", "false", "--profiling=false"},
    {"1.2.16", "There is an audit log", ApiServer, Set, "audit-log-path", "", "--audit-log-path=FILE"},
    {"1.2.17", "Audit logs are kept a month", ApiServer, AtLeast, "audit-log-maxage", "30", "--audit-log-maxage=30"},
    {"1.2.18", "Ten old audit logs are kept", ApiServer, AtLeast, "audit-log-maxbackup", "10", "--audit-log-maxbackup=10"},
    {"1.2.19", "Audit logs are not ended too soon", ApiServer, AtLeast, "audit-log-maxsize", "100", "--audit-log-maxsize=100"},
    {"1.2.20", "Requests end in time", ApiServer, NoLonger, "request-timeout", "300s", "--request-timeout=60s"},
    {"1.2.21", "Tokens end with their service account", ApiServer, Is, "service-account-lookup", "true", "--service-account-lookup=true"},
    {"1.2.22", "Tokens are verified with keys of their own", ApiServer, Own, "service-account-key-file", "the data directory's key", "--service-account-key-file=FILE"},
    {"1.2.23", "The apiserver shows etcd a certificate", ApiServer, not_applicable, "", kNoEtcd, ""},
    {"1.2.24", "The apiserver shows a certificate", ApiServer, Own, "tls-cert-file", "one that the data directory's authority has signed", "--tls-cert-file and --tls-private-key-file"},
    {"1.2.25", "Clients' certificates are verified", ApiServer, Own, "client-ca-file", "by the data directory's authority", "--client-ca-file=FILE"},
    {"1.2.26", "etcd's certificate is verified", ApiServer, not_applicable, "", kNoEtcd, ""},
    {"1.2.27", "Secrets are stored encrypted", ApiServer, Set, "encryption-provider-config", "", "--encryption-provider-config=FILE"},
    {"1.2.28", "What encrypts them is strong", ApiServer, encrypts_well, "encryption-provider-config", "[aescbc,kms,secretbox]", "put aescbc or secretbox first in every list of providers"},
    {"1.2.29", "Ciphers of TLS are strong", ApiServer, built_in, "", kCiphers, ""},
    {"1.2.30", "Tokens in pods end when they say", ApiServer, Is, "service-account-extend-token-expiration", "false", "--service-account-extend-token-expiration=false"},

    {"1.3.1", "Pods that have ended go away", ControllerManager, AtLeast, "terminated-pod-gc-threshold", "1", "--terminated-pod-gc-threshold=12500, or less"},
    {"1.3.2", "The controller manager shows no profiles", ControllerManager, Is, "profiling", "false", "--profiling=false"},
    {"1.3.3", "Each loop is a user of its own", ControllerManager, Is, "use-service-account-credentials", "true", "--use-service-account-credentials"},
    {"1.3.4", "Tokens are signed with a key of their own", ControllerManager, Set, "service-account-private-key-file", "", "--service-account-private-key-file=pki/sa.key"},
    {"1.3.5", "Pods are told the apiserver's authority", ControllerManager, Own, "root-ca-file", "the kubeconfig's authority", "--root-ca-file=pki/ca.crt"},
    {"1.3.6", "Kubelets renew their serving certificates", ControllerManager, Lacks, "feature-gates", "RotateKubeletServerCertificate=false", "take RotateKubeletServerCertificate from --feature-gates"},
    {"1.3.7", "The controller manager's port is this machine's alone", ControllerManager, Is, "bind-address", "127.0.0.1", "--bind-address=127.0.0.1"},
    {"1.4.1", "The scheduler shows no profiles", Scheduler, Is, "profiling", "false", "--profiling=false"},
    {"1.4.2", "The scheduler's port is this machine's alone", Scheduler, Is, "bind-address", "127.0.0.1", "--bind-address=127.0.0.1"},

    {"2.1", "etcd shows a certificate", ApiServer, not_applicable, "", kNoEtcd, ""},
    {"2.2", "etcd asks clients for certificates", ApiServer, not_applicable, "", kNoEtcd, ""},
    {"2.3", "Clients' certificates are not made by etcd itself", ApiServer, not_applicable, "", kNoEtcd, ""},
    {"2.4", "etcd's members show each other certificates", ApiServer, not_applicable, "", kNoEtcd, ""},
    {"2.5", "etcd's members ask each other for certificates", ApiServer, not_applicable, "", kNoEtcd, ""},
    {"2.6", "Members' certificates are not made by etcd itself", ApiServer, not_applicable, "", kNoEtcd, ""},
    {"2.7", "etcd has an authority of its own", ApiServer, not_applicable, "", kNoEtcd, ""},

    {"3.2.1", "There is an audit policy", ApiServer, Set, "audit-policy-file", "", "--audit-policy-file=FILE"},
    {"3.2.2", "The audit policy tells of what matters", ApiServer, by_hand, "", "see that it tells of secrets, of token reviews, of changes of pods, and of exec and the like", ""},
};
// clang-format on

}  // namespace

std::string_view status_text(CisStatus status) {
  switch (status) {
    case Pass: return "PASS";
    case Fail: return "FAIL";
    case Manual: return "MANUAL";
    case NotApplicable: break;
  }
  return "NOT APPLICABLE";
}

std::span<const CisCheck> cis_checks() { return kChecks; }

std::vector<CisResult> judge(const CisFacts& facts) {
  std::vector<CisResult> out;
  for (const CisCheck& check : kChecks) out.push_back({&check, check.rule(facts, check)});
  return out;
}

}  // namespace ph::pilothouse
