// The text parts of any request: target, headers, options, continue tokens. Lines: method, target, Accept, Accept-Encoding,
// User-Agent, Content-Type, then a body. Refused as an ApiError with a status of 4xx, or read the same however it is written.
#include <cmath>

#include "api/errors.h"
#include "apiserver/access.h"
#include "apiserver/rest/continue.h"
#include "apiserver/rest/negotiate.h"
#include "apiserver/rest/options.h"
#include "base/accept.h"
#include "base/assert.h"
#include "informers/request.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::apiserver;

// Runs what may refuse. False: refused, and rightly so.
template <class F>
bool accepted_by(F check) {
  try {
    check();
    return true;
  } catch (const api::ApiError& error) {
    PH_ASSERT(error.code() >= 400 && error.code() < 500);
    PH_ASSERT(!error.status().reason().empty() && !error.status().message().empty());
    return false;
  }
}

void check_accept(const HttpRequest& request) {
  double last = 2;
  for (const MediaRange& range : accepted(request)) {
    PH_ASSERT(std::isfinite(range.quality) && range.quality > 0 && range.quality <= last);
    last = range.quality;
  }
  accepts_gzip(request);
  for (const bool stream : {false, true}) {
    for (const bool tables : {false, true}) {
      accepted_by([&] {
        const Form form = negotiate(request, stream, tables);
        PH_ASSERT(!stream || (form.format != Format::Yaml && !form.gzip && !form.pretty));
        PH_ASSERT(tables || form.as != As::Table);
        PH_ASSERT(!content_type(form.format, stream).empty());
      });
    }
  }
  accepted_by([&] { body_format(request); });
}

void check_target(const HttpRequest& request) {
  accepted_by([&] {
    const RequestInfo info = parse_request(request);
    // Parts of a path may be empty; such a path leads nowhere.
    PH_ASSERT(!info.is_resource || info.unknown_shape || (!info.version.empty() && !info.resource.empty()));
    PH_ASSERT(info.unknown_shape || info.subresource.empty() || !info.name.empty());
    // A part is one part: what is authorized by it is what is reached by it.
    for (const std::string& part : {info.group, info.version, info.resource, info.subresource, info.namespace_name, info.name}) {
      PH_ASSERT(part.find('/') == std::string::npos);
    }
  });
  const std::string_view target = request.target;
  PH_ASSERT(percent_decode(informers::percent_encoded(target)) == target);
  PH_ASSERT(percent_decode(informers::percent_encoded(target), true) == target);
}

void check_options(const HttpRequest& request) {
  const Query query = Query::parse(request.query());
  const std::string_view revision = query.get("resourceVersion");
  for (const bool watch : {false, true}) {
    // The one that upstream did not foresee, and answers with 500 and no reason.
    if (watch && !revision.empty() && !read_revision(revision)) continue;
    accepted_by([&] {
      const ListOptions options = list_options(query, watch);
      PH_ASSERT(options.limit >= 0);
    });
  }
  accepted_by([&] {
    const WriteOptions options = write_options(request, query, "CreateOptions");
    PH_ASSERT(!options.manager.empty() && options.manager.size() <= 128);
  });
  accepted_by([&] { is_dry_run(delete_options(request, query)); });
}

void check_continue(std::string_view token) {
  accepted_by([&] {
    const Continuation read = decode_continue(token);
    PH_ASSERT(!read.start.empty() && read.revision != 0);
    const Continuation again = decode_continue(encode_continue(read));
    PH_ASSERT(again.revision == read.revision && again.start == read.start);
  });
}

}  // namespace

void request(std::string_view input) {
  Bytes lines(input);
  HttpRequest request;
  request.method = lines.until('\n');
  request.target = lines.until('\n');
  for (const char* name : {"Accept", "Accept-Encoding", "User-Agent", "Content-Type"}) {
    if (const auto value = lines.until('\n'); !value.empty()) request.headers.add(name, std::string(value));
  }
  request.body = lines.rest();
  check_accept(request);
  check_target(request);
  check_options(request);
  check_continue(Query::parse(request.query()).get("continue"));
  check_continue(request.body);
}

}  // namespace ph::fuzz
