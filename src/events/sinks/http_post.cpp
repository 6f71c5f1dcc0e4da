#include "events/sinks/http_post.h"

#include <curl/curl.h>

#include <algorithm>

#include "base/format.h"
#include "base/shared_library.h"

namespace sandbox_run::events {
namespace {

constexpr std::size_t kLongestAnswer = 64U << 10;

/// The second is what git needs, and so is there on more machines.
base::SharedLibrary load_curl() {
  base::SharedLibrary first("libcurl.so.4");
  return first.loaded() ? first : base::SharedLibrary("libcurl-gnutls.so.4");
}

/// The few functions of libcurl that are used.
class Curl {
 public:
  Curl() {
    library_.load(init, "curl_easy_init");
    library_.load(set, "curl_easy_setopt");
    library_.load(perform, "curl_easy_perform");
    library_.load(info, "curl_easy_getinfo");
    library_.load(words, "curl_easy_strerror");
    library_.load(append, "curl_slist_append");
    library_.load(free_list, "curl_slist_free_all");
    library_.load(clean_up, "curl_easy_cleanup");
  }
  bool loaded() const { return library_.loaded(); }

  decltype(&::curl_easy_init) init = nullptr;
  decltype(&::curl_easy_setopt) set = nullptr;
  decltype(&::curl_easy_perform) perform = nullptr;
  decltype(&::curl_easy_getinfo) info = nullptr;
  decltype(&::curl_easy_strerror) words = nullptr;
  decltype(&::curl_slist_append) append = nullptr;
  decltype(&::curl_slist_free_all) free_list = nullptr;
  decltype(&::curl_easy_cleanup) clean_up = nullptr;

 private:
  base::SharedLibrary library_ = load_curl();
};

std::size_t take_answer(const char* bytes, std::size_t size, std::size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  body.append(bytes,
              std::min(size * count, kLongestAnswer - std::min(kLongestAnswer, body.size())));
  return size * count;
}

}  // namespace

class HttpPost::Impl {
 public:
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (handle != nullptr) curl.clean_up(handle);
    if (headers != nullptr) curl.free_list(headers);
  }

  Curl curl;
  CURL* handle = nullptr;
  curl_slist* headers = nullptr;
  char error[CURL_ERROR_SIZE] = {};
};

HttpPost::HttpPost(const std::string& url,
                   const std::vector<std::pair<std::string, std::string>>& headers,
                   const std::string& ca_file)
    : impl_(std::make_unique<Impl>()) {
  const Curl& curl = impl_->curl;
  if (!curl.loaded()) {
    load_error_ = "libcurl.so.4 is needed for it: install libcurl4";
    return;
  }
  impl_->handle = curl.init();
  for (const std::string& line :
       {std::string("Content-Type: application/json"), std::string("Expect:")}) {
    impl_->headers = curl.append(impl_->headers, line.c_str());
  }
  for (const auto& [name, value] : headers) {
    impl_->headers = curl.append(impl_->headers, base::format("{}: {}", name, value).c_str());
  }
  CURL* handle = impl_->handle;
  curl.set(handle, CURLOPT_URL, url.c_str());
  curl.set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl.set(handle, CURLOPT_HTTPHEADER, impl_->headers);
  curl.set(handle, CURLOPT_USERAGENT, "sandbox-run/" SANDBOX_RUN_VERSION);
  curl.set(handle, CURLOPT_NOSIGNAL, 1L);
  curl.set(handle, CURLOPT_ERRORBUFFER, impl_->error);
  curl.set(handle, CURLOPT_WRITEFUNCTION, &take_answer);
  if (!ca_file.empty()) curl.set(handle, CURLOPT_CAINFO, ca_file.c_str());
}

HttpPost::~HttpPost() = default;

HttpPost::Answer HttpPost::post(const std::string& body, std::chrono::milliseconds patience) {
  Answer answer;
  if (!load_error_.empty() || impl_->handle == nullptr) {
    answer.error = load_error_;
    return answer;
  }
  const Curl& curl = impl_->curl;
  CURL* handle = impl_->handle;
  curl.set(handle, CURLOPT_WRITEDATA, &answer.body);
  curl.set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl.set(handle, CURLOPT_POSTFIELDS, body.c_str());
  curl.set(handle, CURLOPT_TIMEOUT_MS, std::max<long>(1, static_cast<long>(patience.count())));
  impl_->error[0] = '\0';
  const CURLcode code = curl.perform(handle);
  if (code != CURLE_OK) {
    answer.error = impl_->error[0] != '\0' ? impl_->error : curl.words(code);
    answer.timed_out = code == CURLE_OPERATION_TIMEDOUT;
    return answer;
  }
  long status = 0;
  curl.info(handle, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

}  // namespace sandbox_run::events
