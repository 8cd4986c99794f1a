# Libraries from Debian 12, each behind one target name. Nothing is downloaded.
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(PNG REQUIRED)
find_package(GIF REQUIRED)
if(IMAGINED_TESTS)
  find_package(GTest REQUIRED)
endif()

function(imagined_pkg name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(${name} ALIAS PkgConfig::${name})
endfunction()
imagined_pkg(imagined_highway libhwy)
# Highway compiles each kernel for plain x86-64 (never left out), AVX2 and AVX-512; the steps between
# would only cost build time, as the engine needs AVX2 anyway.
target_compile_definitions(PkgConfig::imagined_highway INTERFACE
  "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4|HWY_AVX3_DL)")
imagined_pkg(imagined_utf8proc libutf8proc)
imagined_pkg(imagined_deflate libdeflate)
imagined_pkg(imagined_webp libwebp)
imagined_pkg(imagined_jpeg libturbojpeg)
imagined_pkg(imagined_seccomp libseccomp)

add_library(imagined_png INTERFACE)
target_link_libraries(imagined_png INTERFACE PNG::PNG imagined_deflate)

find_package(nlohmann_json REQUIRED)
add_library(imagined_json ALIAS nlohmann_json::nlohmann_json)

# Asio; its one translation unit of definitions is src/api/call/boost.cpp.
find_package(Boost 1.81 REQUIRED)
add_library(imagined_boost INTERFACE)
target_link_libraries(imagined_boost INTERFACE Boost::headers)
target_compile_definitions(imagined_boost INTERFACE BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED)
# GCC 12 takes the two halves of Asio's allocator of coroutine frames for a mismatch.
target_compile_options(imagined_boost INTERFACE
  $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>)
