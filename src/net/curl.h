// What our two users of libcurl share. Included by their .cpp files alone: it brings curl's header.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/memory.h"

namespace imagined::net {

struct CurlDeleter {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Curl = std::unique_ptr<CURL, CurlDeleter>;
using CurlList = std::unique_ptr<curl_slist, CurlDeleter>;

/// What cannot be set is a mistake of ours; want of memory is thrown.
template <class Value>
void set(CURL* curl, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(curl, option, value);
  expect_memory(code != CURLE_OUT_OF_MEMORY);
  CHECK(code == CURLE_OK, "curl option {}: {}", static_cast<int>(option), curl_easy_strerror(code));
}

/// Want of memory is thrown.
inline CurlList list_of(const std::vector<std::string>& lines) {
  CurlList list;
  for (const std::string& line : lines) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    expect_memory(longer != nullptr);
    static_cast<void>(list.release());
    list.reset(longer);
  }
  return list;
}

}  // namespace imagined::net
