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

function(imagined_pkg name)  # and its pkg-config modules
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${ARGN})
  add_library(${name} ALIAS PkgConfig::${name})
endfunction()
imagined_pkg(imagined_highway libhwy)
# Highway compiles each kernel for plain x86-64 (never left out), AVX2 and AVX-512; the steps between
# would only cost build time, as the engine needs AVX2 anyway.
target_compile_definitions(PkgConfig::imagined_highway INTERFACE
  "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4|HWY_AVX3_DL)")
imagined_pkg(imagined_utf8proc libutf8proc)
imagined_pkg(imagined_deflate libdeflate)
imagined_pkg(imagined_webp libwebp libwebpdemux)
imagined_pkg(imagined_jpeg libturbojpeg)
imagined_pkg(imagined_lcms lcms2)
imagined_pkg(imagined_openh264 openh264)
imagined_pkg(imagined_aom aom)
imagined_pkg(imagined_dav1d dav1d)
imagined_pkg(imagined_seccomp libseccomp)
imagined_pkg(imagined_argon2 libargon2)

add_library(imagined_png INTERFACE)
target_link_libraries(imagined_png INTERFACE PNG::PNG imagined_deflate)

find_package(nlohmann_json REQUIRED)
add_library(imagined_json ALIAS nlohmann_json::nlohmann_json)

# gRPC, and what its compiler makes of proto/: code that is not ours, so none of our warnings.
find_package(gRPC REQUIRED)
# RE2 asks for -pthread, which the precompiled headers were made without; since glibc 2.34 it does nothing.
set_property(TARGET re2::re2 PROPERTY INTERFACE_COMPILE_OPTIONS "")
file(GLOB imagined_protos CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/proto/xai/api/v1/*.proto)
set(imagined_proto_made)
set(imagined_proto_unit)
foreach(proto ${imagined_protos})
  get_filename_component(name ${proto} NAME_WE)
  set(made ${CMAKE_BINARY_DIR}/proto/xai/api/v1/${name})
  add_custom_command(
    OUTPUT ${made}.pb.cc ${made}.pb.h ${made}.grpc.pb.cc ${made}.grpc.pb.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/proto
    COMMAND protobuf::protoc -I ${CMAKE_SOURCE_DIR}/proto --cpp_out=${CMAKE_BINARY_DIR}/proto
            --grpc_out=${CMAKE_BINARY_DIR}/proto
            --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin> ${proto}
    DEPENDS ${imagined_protos})
  list(APPEND imagined_proto_made ${made}.pb.cc ${made}.pb.h ${made}.grpc.pb.cc ${made}.grpc.pb.h)
  # The two names that protoc gives in every file.
  string(APPEND imagined_proto_unit "#define schemas schemas_of_${name}\n"
         "#define file_default_instances file_default_instances_of_${name}\n"
         "#include \"xai/api/v1/${name}.pb.cc\"\n#include \"xai/api/v1/${name}.grpc.pb.cc\"\n"
         "#undef schemas\n#undef file_default_instances\n")
  string(PREPEND imagined_proto_unit "#include \"xai/api/v1/${name}.grpc.pb.h\"\n")
endforeach()
# One unit, little optimised: most of each file alone were the headers of gRPC.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/units/proto.cpp CONTENT "${imagined_proto_unit}" @ONLY)
set_source_files_properties(${CMAKE_BINARY_DIR}/units/proto.cpp PROPERTIES
  OBJECT_DEPENDS "${imagined_proto_made}" COMPILE_OPTIONS "${IMAGINED_COLD_OPTIONS}")
set_source_files_properties(${imagined_proto_made} PROPERTIES HEADER_FILE_ONLY ON)
add_library(imagined_proto STATIC ${CMAKE_BINARY_DIR}/units/proto.cpp ${imagined_proto_made})
target_include_directories(imagined_proto SYSTEM PUBLIC ${CMAKE_BINARY_DIR}/proto)
target_link_libraries(imagined_proto PUBLIC gRPC::grpc++ gRPC::grpc++_reflection protobuf::libprotobuf)
target_compile_options(imagined_proto PRIVATE -w)

# Asio; its one translation unit of definitions is src/api/call/boost.cpp.
find_package(Boost 1.81 REQUIRED)
add_library(imagined_boost INTERFACE)
target_link_libraries(imagined_boost INTERFACE Boost::headers)
target_compile_definitions(imagined_boost INTERFACE BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED)
# GCC 12 takes the two halves of Asio's allocator of coroutine frames for a mismatch.
target_compile_options(imagined_boost INTERFACE
  $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>)
