#include "apiserver/storage/encryption/kms_plugin.h"

#include "api/codec.h"
#include "api/wire_records.h"

namespace ph::apiserver::encryption {
namespace {

namespace wire = api::wire;

class GrpcKmsPlugin final : public KmsPlugin {
 public:
  GrpcKmsPlugin(std::unique_ptr<net::GrpcClient> client, Duration timeout) : client_(std::move(client)), timeout_(timeout) {}

  Answer<KmsStatus> status() override {
    return ask<KmsStatus>("Status", {}, [](std::string_view message) {
      return KmsStatus{std::string(wire::member_of(message, 1)), std::string(wire::member_of(message, 2)),
                       std::string(wire::member_of(message, 3))};
    });
  }

  Answer<Wrapped> encrypt(std::string plain, std::string uid) override {
    std::string request;
    wire::append_bytes(1, plain, request);
    wire::append_bytes(2, uid, request);
    return ask<Wrapped>("Encrypt", std::move(request), [](std::string_view message) {
      Wrapped out{std::string(wire::member_of(message, 1)), std::string(wire::member_of(message, 2)), {}};
      for (wire::Records in(message); in.next();) {
        if (!in.is(3, wire::kBytes)) continue;
        const auto [name, value] = wire::text_entry(in.text());
        out.annotations[std::string(name)] = value;
      }
      return out;
    });
  }

  Answer<std::string> decrypt(Wrapped wrapped, std::string uid) override {
    std::string request;
    wire::append_bytes(1, wrapped.bytes, request);
    wire::append_bytes(2, uid, request);
    wire::append_bytes(3, wrapped.key_id, request);
    for (const auto& [name, value] : wrapped.annotations) {
      std::string entry;
      wire::append_bytes(1, name, entry);
      wire::append_bytes(2, value, entry);
      wire::append_bytes(4, entry, request);
    }
    return ask<std::string>("Decrypt", std::move(request),
                            [](std::string_view message) { return std::string(wire::member_of(message, 1)); });
  }

 private:
  template <class T>
  Answer<T> ask(std::string method, std::string request, T (*read)(std::string_view)) {
    const auto answer = co_await client_->call("/v2.KeyManagementService/" + method, std::move(request), timeout_);
    if (!answer) co_return std::unexpected(answer.error());
    try {
      co_return read(*answer);
    } catch (const api::DecodeError& error) {
      co_return std::unexpected(net::GrpcError{net::GrpcCode::Internal, error.what()});
    }
  }

  const std::unique_ptr<net::GrpcClient> client_;
  const Duration timeout_;
};

}  // namespace

std::unique_ptr<KmsPlugin> grpc_kms_plugin(std::unique_ptr<net::GrpcClient> client, Duration timeout) {
  return std::make_unique<GrpcKmsPlugin>(std::move(client), timeout);
}

}  // namespace ph::apiserver::encryption
