// The parameters of operations, as OpenAPI names them.
#pragma once

#include <string_view>

namespace ph::apiserver {

struct Parameter {
  std::string_view name;
  std::string_view type = "string";  // string, boolean, integer
  std::string_view in = "query";
  bool required = false;
  // What comes behind its name where OpenAPI 2.0 has it once for all: upstream's, made of all that it says. Empty: it stands where it
  // is used.
  std::string_view shared = {};

  bool operator==(const Parameter& other) const { return name == other.name && in == other.in; }
};

namespace parameters {

// -- Of all operations on resources, and of their paths
inline constexpr Parameter kPretty{.name = "pretty", .shared = "tJGM1-ng"};
inline constexpr Parameter kName{.name = "name", .in = "path", .required = true};
inline constexpr Parameter kNamespace{.name = "namespace", .in = "path", .required = true, .shared = "vgWSWtn3"};

// -- Of writes
inline constexpr Parameter kDryRun{.name = "dryRun"};
inline constexpr Parameter kFieldManager{.name = "fieldManager", .shared = "Qy4HdaTW"};
inline constexpr Parameter kPatchManager{.name = "fieldManager", .shared = "7c6nTn1T"};
inline constexpr Parameter kFieldValidation{.name = "fieldValidation"};
inline constexpr Parameter kForce{.name = "force", .type = "boolean", .shared = "tOGGb0Yi"};

inline constexpr Parameter kList[] = {
    {.name = "allowWatchBookmarks", .type = "boolean", .shared = "HC2hJt-J"},
    {.name = "continue", .shared = "QfD61s0i"},
    {.name = "fieldSelector", .shared = "xIcQKXFG"},
    {.name = "labelSelector", .shared = "5Zw57w4C"},
    {.name = "limit", .type = "integer", .shared = "1NfNmdNH"},
    {.name = "resourceVersion", .shared = "5WAnf1kx"},
    {.name = "resourceVersionMatch", .shared = "t8XhRHeC"},
    {.name = "sendInitialEvents", .type = "boolean", .shared = "rLXlEK_k"},
    {.name = "shardSelector", .shared = "Kgyki_3_"},
    {.name = "timeoutSeconds", .type = "integer", .shared = "yvYezaOC"},
    {.name = "watch", .type = "boolean", .shared = "XNNPZGbK"},
};
inline constexpr Parameter kDelete[] = {
    kDryRun,
    {.name = "gracePeriodSeconds", .type = "integer", .shared = "-K5HaBOS"},
    {.name = "ignoreStoreReadErrorWithClusterBreakingPotential", .type = "boolean", .shared = "QbNkfIqj"},
    {.name = "orphanDependents", .type = "boolean", .shared = "uRB25kX5"},
    {.name = "propagationPolicy", .shared = "6jk3prlO"},
};

// -- Of sub-resources of pods, nodes and services
inline constexpr Parameter kLog[] = {
    {.name = "container", .shared = "1GeXxFDC"},
    {.name = "follow", .type = "boolean", .shared = "9OIXh_2R"},
    {.name = "insecureSkipTLSVerifyBackend", .type = "boolean", .shared = "gM00jVbe"},
    {.name = "limitBytes", .type = "integer", .shared = "zwd1RXuc"},
    {.name = "previous", .type = "boolean", .shared = "1jxDPu3y"},
    {.name = "sinceSeconds", .type = "integer", .shared = "vE2NLdnP"},
    {.name = "stream", .shared = "l-48cgXv"},
    {.name = "tailLines", .type = "integer", .shared = "9xQLWHMV"},
    {.name = "timestamps", .type = "boolean", .shared = "c17fW1w_"},
};
inline constexpr Parameter kAttach[] = {
    {.name = "container", .shared = "_Q-EJ3nR"},
    {.name = "stderr", .type = "boolean", .shared = "26jJhFUR"},
    {.name = "stdin", .type = "boolean", .shared = "sEFnN3IS"},
    {.name = "stdout", .type = "boolean", .shared = "005YMKE6"},
    {.name = "tty", .type = "boolean", .shared = "g7MlET_l"},
};
inline constexpr Parameter kExec[] = {
    {.name = "command", .shared = "Py3eQybp"},
    {.name = "container", .shared = "i5dOmRiM"},
    {.name = "stderr", .type = "boolean", .shared = "W_1TNlWc"},
    {.name = "stdin", .type = "boolean", .shared = "PSzNhyUC"},
    {.name = "stdout", .type = "boolean", .shared = "-EZLRwV1"},
    {.name = "tty", .type = "boolean", .shared = "s0flW37O"},
};
inline constexpr Parameter kPortForward[] = {{.name = "ports", .type = "integer", .shared = "91KROJmm"}};
inline constexpr Parameter kPodProxy[] = {{.name = "path", .shared = "oPbzgLUj"}};
inline constexpr Parameter kServiceProxy[] = {{.name = "path", .shared = "QCf0eosM"}};
inline constexpr Parameter kNodeProxy[] = {{.name = "path", .shared = "rFDtV0x9"}};
// What comes behind …/proxy.
inline constexpr Parameter kProxyPath{.name = "path", .in = "path", .required = true, .shared = "z6Ciiujn"};

// Bodies that every kind takes: DeleteOptions and patches.
inline constexpr std::string_view kDeleteBody = "2Y1dVQaQ", kPatchBody = "78PwaGsr";

}  // namespace parameters
}  // namespace ph::apiserver
