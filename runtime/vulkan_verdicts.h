// What was found out about drivers, remembered between processes: a file for each driver in the cache folder.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "compiler/support/result.h"

namespace sparkle::vulkan {

struct Verdict {
  bool is_good = false;
  std::string reason; ///< One line; of a bad one.
  std::string date;   ///< 2026-11-23.
};

std::string to_text(const std::string &key, const Verdict &verdict);
/// Nothing for a text that is damaged, of another version, or about another key.
std::optional<Verdict> parse_verdict(const std::string &text, const std::string &key);

/// Thread-safe. What cannot be written is remembered as long as this object.
class Verdicts {
public:
  /// `folder`: empty for none. `forget`: files that are there already are not read.
  Verdicts(std::string folder, bool forget) : folder_(std::move(folder)), forget_(forget) {}

  std::optional<Verdict> find(const std::string &key);
  /// kIo: it is not in a file.
  Status remember(const std::string &key, const Verdict &verdict);

private:
  std::string path_of(const std::string &key) const;

  std::string folder_;
  bool forget_;
  std::mutex mutex_;
  std::map<std::string, Verdict> session_;
};

} // namespace sparkle::vulkan
