#include "daemon/data_dir.h"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/files.h"
#include "daemon/kubeconfig.h"

namespace ph::daemon {
namespace {

constexpr Duration kCaValidity = std::chrono::days(3650);
constexpr Duration kValidity = std::chrono::days(365);
// Certificates closer to their end than this are issued anew.
constexpr Duration kRenewBefore = std::chrono::days(60);

bool ends_soon(const std::string& certificate, const Clock& clock) {
  return net::inspect_certificate(certificate).not_after - clock.now() < kRenewBefore;
}

// What a directory may hold before it is ours: keys and kubeconfigs that were put there for us or that a first start left which
// did not end, and what some file systems keep at their root.
bool may_be_there(const std::string& name) { return name == "pki" || name == "lost+found" || is_data_dir_file(name); }

// False: the directory is to become ours.
bool read_format(const std::filesystem::path& path) {
  const auto found = read_file(path / "format");
  if (!found) {
    for (const auto& entry : directory_entries(path)) {
      if (may_be_there(entry.filename().string())) continue;
      throw FileError(
          fmt::format("{} is not a data directory of pilothouse: it has no file `format`, and holds {}; name an empty "
                      "or a new one by --data-dir",
                      path.string(), entry.filename().string()));
    }
    return false;
  }
  if (*found == kDataDirRestoring) {
    throw FileError(
        fmt::format("a restore into {} was not finished: run `pilothouse restore FILE --force` again, or "
                    "`pilothouse reset`",
                    path.string()));
  }
  if (*found != kDataDirFormat) {
    throw FileError(
        fmt::format("the data directory {} has format {}, this program reads format {}: start the version that made it, "
                    "or name another --data-dir",
                    path.string(), found->substr(0, found->find('\n')), kDataDirFormat.substr(0, 1)));
  }
  return true;
}

// A certificate and its key, or the key alone; nothing when neither is there.
std::optional<net::Credential> read_credential(const std::filesystem::path& stem) {
  const auto certificate = read_file(stem.string() + ".crt");
  const auto key = read_file(stem.string() + ".key");
  if (!certificate || !key) return std::nullopt;
  return net::Credential{*certificate, *key};
}

void write_credential(const std::filesystem::path& stem, const net::Credential& credential) {
  write_file(stem.string() + ".key", credential.key_pem, true);
  write_file(stem.string() + ".crt", credential.cert_pem, true);
}

bool holds_all(const net::CertificateInfo& info, const net::ServerNames& names) {
  const auto all_in = [](const std::vector<std::string>& wanted, const std::vector<std::string>& present) {
    return std::ranges::all_of(wanted,
                               [&](const std::string& name) { return std::ranges::find(present, name) != present.end(); });
  };
  return all_in(names.dns_names, info.dns_names) && all_in(names.ip_addresses, info.ip_addresses);
}

net::ServerNames server_names(const DataDirOptions& options) {
  net::ServerNames names{.common_name = "kube-apiserver",
                         .dns_names = {"kubernetes", "kubernetes.default", "kubernetes.default.svc",
                                       "kubernetes.default.svc." + options.cluster_domain, "localhost"},
                         .ip_addresses = {options.service_ip, "127.0.0.1", "::1"}};
  for (const std::string& name : options.extra_names) {
    const bool address = name.find_first_not_of("0123456789.") == std::string::npos || name.find(':') != std::string::npos;
    auto& list = address ? names.ip_addresses : names.dns_names;
    if (std::ranges::find(list, name) == list.end()) list.push_back(name);
  }
  return names;
}

}  // namespace

bool is_data_dir_file(std::string_view name) {
  return name == "format.new" || name.ends_with(".kubeconfig") || name.ends_with(".kubeconfig.new");
}

void close_data_dir(const std::filesystem::path& path, const Log& log) {
  std::size_t closed = close_directory(path) ? 1 : 0;
  for (const auto& entry : directory_entries(path)) {
    const std::string name = entry.filename().string();
    const bool ours = name == "format" || name == "pki" || name == "hardened" || name == "store" || name.starts_with("store.") ||
                      is_data_dir_file(name);
    if (ours) closed += close_to_others(entry);
  }
  if (closed > 0)
    log.warning("the data directory was open to other users, and is closed now", "path", path.string(), "entries", closed);
}

void open_data_dir(const std::filesystem::path& path, const Log& log) {
  make_directory(path);
  const bool is_new = !read_format(path);
  close_data_dir(path, log);
  make_directory(path / "pki");
  if (is_new) write_file(path / "format", kDataDirFormat, true);
}

DataDir::DataDir(DataDirOptions options, const Clock& clock, Rng& rng, Log log)
    : options_(std::move(options)), clock_(clock), rng_(rng) {
  open_data_dir(options_.path, log);
  load_keys();
}

void DataDir::load_keys() {
  const auto pki = options_.path / "pki";
  if (const auto ca = read_credential(pki / "ca")) {
    keys_.ca = *ca;
  } else {
    keys_.ca = net::make_ca("kubernetes", {clock_, rng_, kCaValidity});
    write_credential(pki / "ca", keys_.ca);
  }

  const net::ServerNames names = server_names(options_);
  const auto server = read_credential(pki / "apiserver");
  if (server && !ends_soon(server->cert_pem, clock_) && holds_all(net::inspect_certificate(server->cert_pem), names)) {
    keys_.server = *server;
  } else {
    keys_.server = net::issue_server_certificate(keys_.ca, names, {clock_, rng_, kValidity});
    write_credential(pki / "apiserver", keys_.server);
  }

  if (const auto key = read_file(pki / "sa.key")) {
    keys_.service_account_key = *key;
  } else {
    keys_.service_account_key = net::make_private_key();
    write_file(pki / "sa.key", keys_.service_account_key, true);
    write_file(pki / "sa.pub", net::public_key_pem(keys_.service_account_key), true);
  }
}

net::Credential DataDir::client_credential(const std::string& user, const std::vector<std::string>& groups) const {
  return net::issue_client_certificate(keys_.ca, user, groups, {clock_, rng_, kValidity});
}

void DataDir::write_kubeconfigs(const std::string& url) {
  write_kubeconfig("controller-manager.kubeconfig", "system:kube-controller-manager", {}, url);
  write_kubeconfig("scheduler.kubeconfig", "system:kube-scheduler", {}, url);
  write_kubeconfig("node.kubeconfig", "pilothouse:hollow-nodes", {}, url);
  // Scripts wait for this one: it is the last.
  write_kubeconfig("admin.kubeconfig", "kubernetes-admin", {"system:masters"}, url);
}

void DataDir::write_kubeconfig(const std::string& file, const std::string& user, const std::vector<std::string>& groups,
                               const std::string& url) {
  const auto path = options_.path / file;
  Kubeconfig config{.server = url, .ca_pem = keys_.ca.cert_pem, .user = user};
  if (const auto present = read_file(path)) {
    if (auto old = read_kubeconfig(*present); old && old->ca_pem == config.ca_pem && old->user == user &&
                                              !old->client.cert_pem.empty() && !ends_soon(old->client.cert_pem, clock_)) {
      if (old->server == url) return;
      config.client = old->client;
    }
  }
  if (config.client.cert_pem.empty()) {
    config.client = client_credential(user, groups);
  }
  write_file(path, to_yaml(config), true);
}

}  // namespace ph::daemon
