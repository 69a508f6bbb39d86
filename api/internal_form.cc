#include "api/internal_form.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/value.h"

namespace ph::api {
namespace {

// Types whose members stand in another order than in the API, by their names there. "^a": the member `a` of the struct around it, which the
// API keeps one level higher; such a struct is always there.
struct Order {
  std::string_view type, members;
};
constexpr Order kOrders[] = {
    {"PodSpec",
     "volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds "
     "dnsPolicy nodeSelector serviceAccountName automountServiceAccountToken nodeName securityContext imagePullSecrets hostname "
     "subdomain setHostnameAsFQDN affinity schedulerName tolerations hostAliases priorityClassName priority preemptionPolicy "
     "dnsConfig readinessGates runtimeClassName overhead enableServiceLinks topologySpreadConstraints os schedulingGates "
     "resourceClaims resources hostnameOverride schedulingGroup"},
    {"PodSecurityContext",
     "^hostNetwork ^hostPID ^hostIPC ^shareProcessNamespace ^hostUsers seLinuxOptions windowsOptions runAsUser runAsGroup "
     "runAsNonRoot supplementalGroups supplementalGroupsPolicy fsGroup fsGroupChangePolicy sysctls seccompProfile "
     "appArmorProfile seLinuxChangePolicy"},
    {"PersistentVolumeSource",
     "gcePersistentDisk awsElasticBlockStore hostPath glusterfs nfs rbd quobyte iscsi flexVolume cinder cephfs fc flocker "
     "azureFile vsphereVolume azureDisk photonPersistentDisk portworxVolume scaleIO local storageos csi"},
    {"Volume",
     "name hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs persistentVolumeClaim rbd "
     "quobyte flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap vsphereVolume azureDisk photonPersistentDisk "
     "projected portworxVolume scaleIO storageos csi ephemeral image"},
};

// Members that Go calls something else than the API, by the type's name where others of that name are as usual.
struct Renamed {
  std::string_view type, member, go;
};
constexpr Renamed kRenamed[] = {
    {"", "cephfs", "CephFS"},
    {"", "storageos", "StorageOS"},
    {"", "wwids", "WWIDs"},
    {"", "pdID", "PdID"},
    {"", "chapAuthDiscovery", "DiscoveryCHAPAuth"},
    {"", "chapAuthSession", "SessionCHAPAuth"},
    {"", "diskURI", "DataDiskURI"},
    {"GlusterfsVolumeSource", "endpoints", "EndpointsName"},
    {"GlusterfsPersistentVolumeSource", "endpoints", "EndpointsName"},
    {"RBDVolumeSource", "monitors", "CephMonitors"},
    {"RBDVolumeSource", "image", "RBDImage"},
    {"RBDVolumeSource", "pool", "RBDPool"},
    {"RBDVolumeSource", "user", "RadosUser"},
    {"RBDPersistentVolumeSource", "monitors", "CephMonitors"},
    {"RBDPersistentVolumeSource", "image", "RBDImage"},
    {"RBDPersistentVolumeSource", "pool", "RBDPool"},
    {"RBDPersistentVolumeSource", "user", "RadosUser"},
    {"DeviceAttribute", "int", "IntValue"},
    {"DeviceAttribute", "bool", "BoolValue"},
    {"DeviceAttribute", "string", "StringValue"},
    {"DeviceAttribute", "version", "VersionValue"},
    {"DeviceAttribute", "ints", "IntValues"},
    {"DeviceAttribute", "bools", "BoolValues"},
    {"DeviceAttribute", "strings", "StringValues"},
    {"DeviceAttribute", "versions", "VersionValues"},
};

// Words that Go writes in capitals where a name begins with them.
constexpr std::string_view kInitials[] = {"api",  "aws",  "cidr", "cpu", "csi", "dns", "fc",    "fqdn", "fs", "gce",
                                          "gmsa", "grpc", "http", "id",  "ip",  "iqn", "iscsi", "nfs",  "os", "pd",
                                          "rbd",  "se",   "ssl",  "tcp", "tls", "tty", "uid",   "url"};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
char upper(char c) { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; }

std::string go_name(std::string_view type, std::string_view member) {
  for (const Renamed& one : kRenamed) {
    if (one.member == member && (one.type.empty() || one.type == type)) return std::string(one.go);
  }
  std::string out(member);
  const std::string_view word =
      member.substr(0, static_cast<std::size_t>(std::ranges::find_if_not(member, is_lower) - member.begin()));
  const bool capitals = std::ranges::find(kInitials, word) != std::end(kInitials);
  for (std::size_t i = 0; i < (capitals ? word.size() : std::min<std::size_t>(1, out.size())); ++i) out[i] = upper(out[i]);
  return out;
}

std::string_view last_part(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == name.npos ? name : name.substr(dot + 1);
}

// One member of a type, as Go writes it.
struct Member {
  const Field* field = nullptr;
  bool of_parent = false;
};

std::vector<Member> members_of(const Schema& schema, const Schema* parent) {
  std::vector<Member> out;
  const std::string_view type = last_part(schema.name);
  const auto* const order = std::ranges::find(kOrders, type, &Order::type);
  if (order == std::end(kOrders)) {
    for (const Field& field : schema.fields) out.push_back({&field, false});
    return out;
  }
  for (std::string_view rest = order->members; !rest.empty();) {
    const auto space = std::min(rest.find(' '), rest.size());
    const std::string_view name = rest.substr(0, space);
    rest.remove_prefix(std::min(space + 1, rest.size()));
    const bool above = name.starts_with('^');
    const Schema* const from = above ? parent : &schema;
    const Field* const field = from ? from->field(name.substr(above ? 1 : 0)) : nullptr;
    if (field) out.push_back({field, above});
  }
  return out;
}

bool is_always_there(const Schema& schema) {
  const auto* const order = std::ranges::find(kOrders, last_part(schema.name), &Order::type);
  return order != std::end(kOrders) && order->members.starts_with('^');
}

// The types of meta/v1 are the same inside and outside.
bool is_meta(const Schema& schema) { return schema.name.starts_with("io.k8s.apimachinery."); }

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  // `value` may be absent: the zero of its type is written then. `parent`: the struct around it, of a struct.
  void write(const Schema& schema, const Value& value, const Schema* parent_schema = nullptr, const Value& parent = {}) {
    switch (schema.type) {
      case Type::Struct: return structure(schema, value, parent_schema, parent);
      case Type::List: return list(schema, value);
      case Type::Map: return map(schema, value);
      case Type::Bool: out_ += value && value.boolean() ? "true" : "false"; return;
      case Type::Int32:
      case Type::Int64: out_ += std::to_string(value ? value.integer() : 0); return;
      case Type::Double: return append_json_double(value ? value.number() : 0, out_);
      case Type::String: return string(value ? value.text() : std::string());
      case Type::Quantity: return string(value ? value.text() : std::string("0"));
      case Type::IntOrString: return append_compact_json(value ? value.json().dump() : "0", true, out_);
      default: append_compact_json(value ? value.json().dump() : "null", true, out_);
    }
  }

 private:
  // Go escapes what would mean something in HTML.
  void string(const std::string& text) {
    std::string literal;
    append_json_string(text, literal);
    append_compact_json(literal, true, out_);
  }

  void structure(const Schema& schema, const Value& value, const Schema* parent_schema, const Value& parent) {
    char before = '{';
    if (is_meta(schema)) {
      meta_members(schema, value, before);
    } else {
      const std::string_view type = last_part(schema.name);
      for (const auto& [field, of_parent] : members_of(schema, parent_schema)) {
        const Value& from = of_parent ? parent : value;
        const Value found = from ? from.member(*field) : Value();
        // Go embeds metadata: its members stand among the others.
        if (field->name == "metadata" && is_meta(*field->schema)) {
          meta_members(*field->schema, found, before);
          continue;
        }
        key(go_name(type, field->name), before);
        member(*field, found, schema, value);
      }
    }
    if (before == '{') out_ += '{';
    out_ += '}';
  }

  void meta_members(const Schema& schema, const Value& value, char& before) {
    for (const Field& field : schema.fields) {
      const Value found = value ? value.member(field) : Value();
      if (!found && !field.always) continue;
      key(field.name, before);
      member(field, found, schema, value);
    }
  }

  void key(std::string_view name, char& before) {
    out_ += before;
    before = ',';
    out_ += fmt::format("\"{}\":", name);
  }

  void member(const Field& field, const Value& value, const Schema& around, const Value& parent) {
    if (!value && field.pointer && !is_always_there(*field.schema)) {
      out_ += "null";
      return;
    }
    write(*field.schema, value, &around, parent);
  }

  void list(const Schema& schema, const Value& value) {
    if (!value || value.size() == 0) {
      out_ += "null";
      return;
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
      out_ += i == 0 ? '[' : ',';
      write(*schema.element, value.item(i));
    }
    out_ += ']';
  }

  void map(const Schema& schema, const Value& value) {
    const std::vector<std::string> keys = value ? value.keys() : std::vector<std::string>();
    if (keys.empty()) {
      out_ += "null";
      return;
    }
    char before = '{';
    for (const std::string& key : keys) {
      out_ += before;
      before = ',';
      string(key);
      out_ += ':';
      write(*schema.element, value.entry(key));
    }
    out_ += '}';
  }

  std::string& out_;
};

}  // namespace

std::string internal_json(const google::protobuf::Message& message) {
  std::string out;
  Writer(out).write(schema_of(message), Value::of(message));
  return out;
}

std::string internal_json_lines(const google::protobuf::Message& message) { return indent_json(internal_json(message), 1); }

}  // namespace ph::api
