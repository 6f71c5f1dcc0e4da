#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sandbox_run::events {

/// POSTs over one kept connection, by libcurl (seen only here), which is loaded when this is made:
/// only who sends events by HTTP needs it, and only a sender's process has it. No redirects are
/// followed; proxies are those of the environment.
class HttpPost {
 public:
  struct Answer {
    int status = 0;    // 0: there was none
    std::string body;  // at most 64 KiB
    std::string error;
    bool timed_out = false;
  };

  /// `ca_file`: "" for the system's certificates.
  HttpPost(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
           const std::string& ca_file);
  HttpPost(const HttpPost&) = delete;
  HttpPost& operator=(const HttpPost&) = delete;
  ~HttpPost();

  Answer post(const std::string& body, std::chrono::milliseconds patience);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  std::string load_error_;
};

}  // namespace sandbox_run::events
