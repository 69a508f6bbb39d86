// apiextensions.k8s.io/v1 CustomResourceDefinition. Upstream keeps what all versions have alike in one place, and says so in its
// paths: spec.validation.openAPIV3Schema of a definition whose versions share one schema, spec.versions[0].schema of others.
#include <map>

#include <fmt/ranges.h>

#include "api/codec.h"
#include "api/structural/structural.h"
#include "api/validation/definition_parts.h"
#include "base/ascii.h"

namespace ph::api {

using apiextensions::v1::CustomResourceDefinition;
using apiextensions::v1::CustomResourceDefinitionNames;
using apiextensions::v1::CustomResourceDefinitionSpec;
using apiextensions::v1::CustomResourceDefinitionVersion;

namespace {

constexpr std::string_view kApproved = "api-approved.kubernetes.io";

void check_name(std::string_view name, const Path& path, Errors& errors) {
  if (name.empty()) return;
  const auto complaints = check_dns1035_label(name);
  if (!complaints.empty()) errors.invalid_text(path, name, fmt::format("{}", fmt::join(complaints, ",")));
}

void check_kind_name(std::string_view kind, const Path& path, Errors& errors) {
  if (kind.empty()) return;
  const auto complaints = check_dns1035_label(lower_ascii(kind));
  if (complaints.empty()) return;
  errors.invalid_text(path, kind, fmt::format("may have mixed case, but should otherwise match: {}", fmt::join(complaints, ",")));
}

void check_names(const CustomResourceDefinitionNames& names, const Path& path, Errors& errors) {
  const auto each = [&](const auto& texts, std::string_view member) {
    for (int i = 0; i < texts.size(); ++i) {
      const auto complaints = check_dns1035_label(texts[i]);
      const Path at = path.member(member).index(static_cast<std::size_t>(i));
      if (!complaints.empty()) errors.invalid_text(at, texts[i], fmt::format("{}", fmt::join(complaints, ",")));
    }
  };
  check_name(names.plural(), path.member("plural"), errors);
  check_name(names.singular(), path.member("singular"), errors);
  check_kind_name(names.kind(), path.member("kind"), errors);
  check_kind_name(names.list_kind(), path.member("listKind"), errors);
  each(names.short_names(), "shortNames");
  // Else a list could not be told from an object.
  if (!names.kind().empty() && names.kind() == names.list_kind()) {
    errors.invalid_text(path.member("listKind"), names.list_kind(), "kind and listKind may not be the same");
  }
  each(names.categories(), "categories");
}

void check_group(const std::string& group, const Path& path, Errors& errors) {
  if (group.empty()) return errors.required(path);
  const auto complaints = check_dns1123_subdomain(group);
  if (!complaints.empty()) return errors.invalid_text(path, group, fmt::format("{}", fmt::join(complaints, ",")));
  if (group.find('.') == group.npos) errors.invalid_text(path, group, "should be a domain with at least one dot");
}

// What all versions have alike.
struct Shared {
  bool schema = true, subresources = true, columns = true, selectable = true;

  explicit Shared(const CustomResourceDefinitionSpec& spec) {
    const auto same_list = [](const auto& a, const auto& b) {
      return std::ranges::equal(a, b, [](const Message& left, const Message& right) { return same(left, right); });
    };
    const CustomResourceDefinitionVersion* first = spec.versions().empty() ? nullptr : &spec.versions(0);
    for (const CustomResourceDefinitionVersion& version : spec.versions()) {
      schema = schema && version.has_schema() == first->has_schema() && same(version.schema(), first->schema());
      subresources = subresources && version.has_subresources() == first->has_subresources() &&
                     same(version.subresources(), first->subresources());
      columns = columns && same_list(version.additional_printer_columns(), first->additional_printer_columns());
      selectable = selectable && same_list(version.selectable_fields(), first->selectable_fields());
    }
  }
};

bool has_schema(const CustomResourceDefinitionVersion& version) { return version.schema().has_open_api_v3_schema(); }

void check_columns(const CustomResourceDefinitionVersion& version, const std::string& path, Errors& errors) {
  for (int i = 0; i < version.additional_printer_columns_size(); ++i) {
    check_printer_column(version.additional_printer_columns(i),
                         at_index(below(path, "additionalPrinterColumns"), static_cast<std::size_t>(i)), errors);
  }
}

// A path of a version or of what is shared, and how messages name the schema there.
void check_selectable(const CustomResourceDefinitionVersion& version, bool schema_is_here, std::string_view schema_name,
                      const std::string& path, Errors& errors) {
  if (version.selectable_fields().empty()) return;
  const std::string here = below(path, "selectableFields");
  if (!schema_is_here || !has_schema(version)) {
    errors.invalid_text(Path(here), "", fmt::format("may only be set when `{}` is not included", schema_name));
    return;
  }
  check_selectable_fields(version.selectable_fields(), version.schema().open_api_v3_schema(), here, errors);
}

void check_version(const CustomResourceDefinitionVersion& version, const Shared& shared, const std::string& path,
                   Errors& errors) {
  const auto complaints = check_dns1035_label(version.name());
  const std::string name = below(path, "name");
  if (!complaints.empty()) errors.invalid_text(Path(name), version.name(), fmt::format("{}", fmt::join(complaints, ",")));
  check_deprecation(version, path, errors);
  if (!shared.schema && has_schema(version)) {
    check_definition_schema(version.schema().open_api_v3_schema(), version.subresources().has_status(),
                            below(path, "schema.openAPIV3Schema"), errors);
  }
  if (!shared.subresources) check_subresources(version.subresources(), below(path, "subresources"), errors);
  if (!shared.columns) check_columns(version, path, errors);
  if (!shared.selectable) check_selectable(version, !shared.schema, "version.schema.openAPIV3Schema", path, errors);
}

std::string json_of_versions(const CustomResourceDefinitionSpec& spec) {
  if (spec.versions().empty()) return "null";
  std::string out = "[";
  for (const CustomResourceDefinitionVersion& version : spec.versions())
    out.append(out.size() > 1 ? "," : "").append(encode_json(version));
  return out + "]";
}

void check_versions(const CustomResourceDefinitionSpec& spec, const Shared& shared, Errors& errors) {
  const Path path("spec");
  int stored = 0;
  std::set<std::string> names;
  for (int i = 0; i < spec.versions_size(); ++i) {
    const CustomResourceDefinitionVersion& version = spec.versions(i);
    stored += version.storage() ? 1 : 0;
    names.insert(version.name());
    check_version(version, shared, at_index("spec.versions", static_cast<std::size_t>(i)), errors);
  }
  const Path versions = path.member("versions");
  if (names.size() != static_cast<std::size_t>(spec.versions_size()))
    errors.invalid(versions, json_of_versions(spec), "must contain unique version names");
  if (stored != 1) errors.invalid(versions, json_of_versions(spec), "must have exactly one version marked as storage version");
  if (!spec.versions().empty()) check_name(spec.versions(0).name(), path.member("version"), errors);
}

// What stands once for all versions.
void check_shared(const CustomResourceDefinitionSpec& spec, const Shared& shared, Errors& errors) {
  if (spec.versions().empty()) return;
  const CustomResourceDefinitionVersion& first = spec.versions(0);
  const bool status =
      std::ranges::any_of(spec.versions(), [](const auto& version) { return version.subresources().has_status(); });
  if (shared.schema && has_schema(first)) {
    check_definition_schema(first.schema().open_api_v3_schema(), status, "spec.validation.openAPIV3Schema", errors);
  }
  if (shared.subresources) check_subresources(first.subresources(), "spec.subresources", errors);
  if (shared.columns) check_columns(first, "spec", errors);
  if (shared.selectable) check_selectable(first, shared.schema, "validations.schema", "spec", errors);
}

void check_spec(const CustomResourceDefinitionSpec& spec, Errors& errors) {
  const Path path("spec");
  check_group(spec.group(), path.member("group"), errors);
  if (spec.scope().empty()) errors.required(path.member("scope"));
  else check_one_of(spec.scope(), {"Cluster", "Namespaced"}, path.member("scope"), errors);
  for (int i = 0; i < spec.versions_size(); ++i) {
    if (has_schema(spec.versions(i))) continue;
    errors.required(path.member("versions").index(static_cast<std::size_t>(i)).member("schema").member("openAPIV3Schema"));
  }
  const Shared shared(spec);
  check_versions(spec, shared, errors);
  const auto& names = spec.names();
  const Path at_names = path.member("names");
  if (names.plural().empty()) errors.required(at_names.member("plural"));
  if (names.singular().empty()) errors.required(at_names.member("singular"));
  if (names.kind().empty()) errors.required(at_names.member("kind"));
  if (names.list_kind().empty()) errors.required(at_names.member("listKind"));
  check_names(names, at_names, errors);
  check_shared(spec, shared, errors);
  if (spec.preserve_unknown_fields() && spec.conversion().strategy() != "None") {
    errors.invalid_text(path.member("conversion").member("strategy"), spec.conversion().strategy(),
                        "must be None if spec.preserveUnknownFields is true");
  }
  check_conversion(spec.conversion(), "spec.conversion", errors);
}

void check_stored_versions(const CustomResourceDefinition& definition, Errors& errors) {
  const Path path = Path("status").member("storedVersions");
  const auto& stored = definition.status().stored_versions();
  if (stored.empty()) errors.invalid(path, "null", "must have at least one stored version");
  for (int i = 0; i < stored.size(); ++i) {
    const bool known =
        std::ranges::any_of(definition.spec().versions(), [&](const auto& version) { return version.name() == stored[i]; });
    if (!known) errors.invalid_text(path.index(static_cast<std::size_t>(i)), stored[i], "must appear in spec.versions");
  }
}

// -- Groups of the Kubernetes community want approval

enum class Approval { Missing, Invalid, Bypassed, Approved };

Approval approval_of(const CustomResourceDefinition& definition) {
  const auto& annotations = definition.metadata().annotations();
  const auto found = annotations.find(std::string(kApproved));
  if (found == annotations.end() || found->second.empty()) return Approval::Missing;
  if (found->second.starts_with("unapproved")) return Approval::Bypassed;
  const auto colon = found->second.find("://");
  const bool url = colon != std::string::npos && colon > 0 && found->second.size() > colon + 3 && found->second[colon + 3] != '/';
  return url ? Approval::Approved : Approval::Invalid;
}

void check_approval(const CustomResourceDefinition& now, const CustomResourceDefinition* old, Errors& errors) {
  const std::string& group = now.spec().group();
  const bool guarded =
      group == "k8s.io" || group == "kubernetes.io" || group.ends_with(".k8s.io") || group.ends_with(".kubernetes.io");
  const Approval approval = approval_of(now);
  if (!guarded || (old && approval_of(*old) == approval)) return;
  constexpr std::string_view kSee = "see https://github.com/kubernetes/enhancements/pull/1111";
  const Path path = Path("metadata").member("annotations").key(kApproved);
  if (approval == Approval::Missing) {
    errors.required(path, fmt::format("protected groups must have approval annotation \"{}\", {}", kApproved, kSee));
  } else if (approval == Approval::Invalid) {
    errors.invalid_text(path, now.metadata().annotations().at(std::string(kApproved)),
                        fmt::format("protected groups must have approval annotation \"{}\" with either a URL or a reason "
                                    "starting with \"unapproved\", {}",
                                    kApproved, kSee));
  }
}

void check_all(const CustomResourceDefinition& now, const CustomResourceDefinition* old, Errors& errors) {
  check_spec(now.spec(), errors);
  if (old) {
    const bool established = std::ranges::any_of(old->status().conditions(), [](const auto& condition) {
      return condition.type() == "Established" && condition.status() == "True";
    });
    const Path spec("spec");
    if (established) {
      check_immutable(now.spec().scope(), old->spec().scope(), spec.member("scope"), errors);
      check_immutable(now.spec().names().kind(), old->spec().names().kind(), spec.member("names").member("kind"), errors);
    }
    check_immutable(now.spec().group(), old->spec().group(), spec.member("group"), errors);
    check_immutable(now.spec().names().plural(), old->spec().names().plural(), spec.member("names").member("plural"), errors);
  }
  check_names(now.status().accepted_names(), Path("status").member("acceptedNames"), errors);
  check_stored_versions(now, errors);
  check_approval(now, old, errors);
  if (now.spec().preserve_unknown_fields() && !(old && old->spec().preserve_unknown_fields())) {
    errors.invalid(Path("spec").member("preserveUnknownFields"), "true",
                   "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead");
  }
}

}  // namespace

void validate(const CustomResourceDefinition& definition, Errors& errors) {
  // The name is made of others.
  const auto& metadata = definition.metadata();
  const std::string wanted = definition.spec().names().plural() + "." + definition.spec().group();
  constexpr std::string_view kMust = R"(must be spec.names.plural+"."+spec.group)";
  const Path path("metadata");
  if (!metadata.generate_name().empty() && metadata.generate_name() != wanted)
    errors.invalid_text(path.member("generateName"), metadata.generate_name(), kMust);
  if (!metadata.name().empty() && metadata.name() != wanted) errors.invalid_text(path.member("name"), metadata.name(), kMust);
  check_all(definition, nullptr, errors);
}

void validate_update(const CustomResourceDefinition& now, const CustomResourceDefinition& old, Errors& errors) {
  check_all(now, &old, errors);
}

void validate_status(const CustomResourceDefinition& now, const CustomResourceDefinition&, Errors& errors) {
  check_names(now.status().accepted_names(), Path("status").member("acceptedNames"), errors);
}

}  // namespace ph::api
