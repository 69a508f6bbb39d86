// The pages that programs show about themselves: /configz, /flagz, /statusz, and what other text there is.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/errors.h"
#include "base/time.h"
#include "base/transport.h"
#include "daemon/flags.h"

namespace ph::daemon {

// One path and what is read there. The request outlives the task. Throws ApiError.
struct Page {
  std::string path;
  std::function<Task<HttpResponse>(const HttpRequest&)> answer;  // called where requests are answered
  bool posts = false;                                            // questions may come as a body, too

  bool takes(std::string_view method) const { return method == "GET" || method == "HEAD" || (posts && method == "POST"); }
};

Page text_page(std::string path, std::string content_type, std::function<Task<std::string>()> body);

// `config`: the JSON text of the configuration; `name` its group, e.g. "kubescheduler.config.k8s.io".
Page configz_page(std::string name, std::function<std::string()> config);

// Text, unless the client asks for a structured one: application/json or application/yaml with
// `;g=config.k8s.io;v=v1beta1;as=Flagz` (Statusz). `component`: upstream's name of the program.
using FlagValues = std::map<std::string, std::string>;
FlagValues flag_values(const FlagSet& flags);
Page flagz_page(std::string component, std::function<FlagValues()> flags);
// It has run since now. `paths`: where else to look. The clock outlives the page.
Page statusz_page(std::string component, std::string version, const Clock& clock, std::vector<std::string> paths);

// With the headers that keep browsers and caches from meddling.
HttpResponse text_response(int status, std::string content_type, std::string body);
// As the apiserver answers an error.
HttpResponse status_response(const api::ApiError& error);

}  // namespace ph::daemon
