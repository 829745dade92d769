// Shared by the language's tests: running the front end on a text, and reading the `// bind:` directive of filetests.
#pragma once

#include <optional>
#include <sstream>
#include <string>

#include "dsl/bind.h"
#include "dsl/check.h"
#include "dsl/parser.h"

namespace sparkle::dsl {

struct FrontEnd {
  Source source;
  Diagnostics diagnostics;
  std::optional<File> file;
  std::optional<CheckedFile> checked;
  std::optional<BoundKernel> bound;

  explicit FrontEnd(std::string text) : source("t.spk", std::move(text)) {
    if (auto parsed = parse(source, diagnostics)) file = std::move(*parsed);
    if (!file) return;
    if (auto result = check(*file, diagnostics)) checked = std::move(*result);
  }
  FrontEnd(std::string text, const BindRequest &request) : FrontEnd(std::move(text)) { bind_with(request); }
  void bind_with(const BindRequest &request) {
    if (!checked) return;
    if (auto result = bind(*checked, request, diagnostics)) bound = std::move(*result);
  }

  std::string errors() const { return render_text(diagnostics, source); }
  std::string codes() const {
    std::string all;
    for (const Diagnostic &d : diagnostics.list()) all += (all.empty() ? "" : " ") + d.code;
    return all;
  }
};

/// `kernel=conv N=1 open=B src=1x4x4`: values, open dimensions, shapes.
inline BindRequest parse_request(const std::string &directive) {
  BindRequest request;
  std::istringstream words(directive);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals), value = word.substr(equals + 1);
    if (name == "kernel")
      request.kernel = value;
    else if (name == "open")
      request.open.insert(value);
    else if (value.find('x') == std::string::npos)
      request.values[name] = std::stoll(value);
    else {
      std::istringstream extents(value);
      for (std::string extent; std::getline(extents, extent, 'x');)
        if (!extent.empty()) request.shapes[name].push_back(std::stoll(extent));
    }
  }
  return request;
}

} // namespace sparkle::dsl
