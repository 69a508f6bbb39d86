// The control-plane sections of the CIS Kubernetes Benchmark, v1.12: what each item asks, and how what runs is judged by it. Pure; who
// gathers the facts is pilothouse/cis.h. Titles and remedies are in our words; the numbers are the benchmark's.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/pages.h"

namespace ph::pilothouse {

inline constexpr std::string_view kCisVersion = "1.12";

enum class CisPart : unsigned char { ApiServer, ControllerManager, Scheduler };

// What is known of one daemon.
struct CisDaemon {
  std::optional<daemon::FlagValues> flags;  // of /flagz; nothing: it was not asked
  bool within_apiserver = false;            // then it has no port, and no flags, of its own
};

// A file of the data directory.
struct CisFile {
  std::string path;  // from the directory: "pki/ca.key"; the directory itself is "."
  unsigned mode = 0;
  unsigned uid = 0;
};

struct CisFacts {
  std::array<CisDaemon, 3> daemons;           // by part
  std::optional<std::vector<CisFile>> files;  // nothing: the data directory could not be looked at
  std::optional<std::string> encryption;      // the text of --encryption-provider-config, where it can be read

  CisDaemon& of(CisPart part) { return daemons[static_cast<std::size_t>(part)]; }
  const CisDaemon& of(CisPart part) const { return daemons[static_cast<std::size_t>(part)]; }
};

enum class CisStatus : unsigned char { Pass, Fail, Manual, NotApplicable };
std::string_view status_text(CisStatus status);  // "PASS", "NOT APPLICABLE"

struct CisVerdict {
  CisStatus status = CisStatus::Manual;
  std::string reason;
};

struct CisCheck {
  const char* item;
  const char* title;
  CisPart part;  // whose flags; of files it means nothing
  CisVerdict (*rule)(const CisFacts& facts, const CisCheck& check);
  const char* on;      // a flag, a plugin or the files, as the rule reads it
  const char* wanted;  // what they are to be
  const char* remedy;
};

// In the order of their numbers.
std::span<const CisCheck> cis_checks();

struct CisResult {
  const CisCheck* check;
  CisVerdict verdict;
};
std::vector<CisResult> judge(const CisFacts& facts);

}  // namespace ph::pilothouse
