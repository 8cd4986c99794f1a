# Compiler settings shared by every target of ours, as one interface library.
add_library(imagined_compiler INTERFACE)
find_package(Threads REQUIRED)
target_link_libraries(imagined_compiler INTERFACE Threads::Threads)
target_compile_options(imagined_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-missing-field-initializers
  # GCC 12 sees overlapping copies in std::string where there are none (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<BOOL:${IMAGINED_WERROR}>:-Werror>)

# A product and a sum become one rounding only where the code says so (kernels use explicit FMA):
# otherwise noise, schedules and resampling weights would depend on the compiler and its target.
target_compile_options(imagined_compiler INTERFACE -ffp-contract=off)

# The baseline is plain x86-64; the kernels choose AVX2, AVX-512 and bf16 code at run time.
# A file that is named after an instruction set, x_avx2.cpp, x_avx512.cpp, x_avx512_bf16.cpp,
# x_avx512_vnni.cpp, x_avx_vnni.cpp, x_amx_bf16.cpp or x_amx_int8.cpp, is compiled for it. Such files hold plain loops over pointers behind functions
# that are called only where the processor can run them, and instantiate nothing shared.
set(IMAGINED_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(IMAGINED_FLAGS_avx512 ${IMAGINED_FLAGS_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl)
set(IMAGINED_FLAGS_avx512_bf16 ${IMAGINED_FLAGS_avx512} -mavx512bf16)
set(IMAGINED_FLAGS_amx_bf16 ${IMAGINED_FLAGS_avx512_bf16} -mamx-tile -mamx-bf16)
set(IMAGINED_FLAGS_avx512_vnni ${IMAGINED_FLAGS_avx512} -mavx512vnni)
set(IMAGINED_FLAGS_avx_vnni ${IMAGINED_FLAGS_avx2} -mavxvnni)
set(IMAGINED_FLAGS_amx_int8 ${IMAGINED_FLAGS_avx512} -mamx-tile -mamx-int8)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC's own AVX-512 header trips over this warning (GCC bug 105593).
  foreach(set avx512 avx512_bf16 avx512_vnni amx_bf16 amx_int8)
    list(APPEND IMAGINED_FLAGS_${set} -Wno-maybe-uninitialized -Wno-uninitialized)
  endforeach()
endif()
set(IMAGINED_PROCESSOR_FILE "_(avx2|avx512|avx512_bf16|avx512_vnni|avx_vnni|amx_bf16|amx_int8)\\.cpp$")
function(imagined_processor_flags sources)
  foreach(source ${sources})
    if(source MATCHES "${IMAGINED_PROCESSOR_FILE}")
      set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON
                                  COMPILE_OPTIONS "${IMAGINED_FLAGS_${CMAKE_MATCH_1}}")
    endif()
  endforeach()
endfunction()

# Code that does no arithmetic on pictures or networks, and every test, is optimised little: its
# speed is nobody's wait, and it takes a third less time to build. (Not -Os: GCC refuses headers that
# were precompiled for another idea of __OPTIMIZE_SIZE__.)
set(IMAGINED_COLD_OPTIONS $<$<CONFIG:Release>:-O1>
    -Wno-maybe-uninitialized)  # which at -O1 is guessed

function(imagined_cold_sources sources)
  foreach(source ${sources})
    if(NOT source MATCHES "/src/(engine/(backend|ops|sampling|tensor)|image|video)/")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${IMAGINED_COLD_OPTIONS}")
    endif()
  endforeach()
endfunction()

if(IMAGINED_SANITIZE)
  target_compile_options(imagined_compiler INTERFACE -fsanitize=${IMAGINED_SANITIZE}
                         -fno-omit-frame-pointer)
  target_link_options(imagined_compiler INTERFACE -fsanitize=${IMAGINED_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # UBSan's function check and coroutines make Clang 14 emit code that its assembler refuses.
    target_compile_options(imagined_compiler INTERFACE -fno-sanitize=function)
  endif()
endif()

find_program(IMAGINED_CCACHE ccache)
if(IMAGINED_CCACHE)
  # What the cache must not mind about precompiled headers: their macros and their time stamps.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${IMAGINED_CCACHE})
endif()
find_program(IMAGINED_MOLD mold)
if(IMAGINED_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# IMAGINED_SOURCE_DIR for those of the sources that read it and for no other, so that a compiler cache
# serves every checkout.
function(imagined_tell_source_dir sources)
  foreach(source ${sources})
    file(STRINGS ${source} reads REGEX IMAGINED_SOURCE_DIR LIMIT_COUNT 1)
    if(reads)
      set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS
                   IMAGINED_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    endif()
  endforeach()
endfunction()

# The heavy headers of others are parsed once: two thirds of a build were theirs.
# imagined_precompile(NAME HEADER LIBRARIES...) makes NAME, imagined_use_precompiled(TARGET NAME) uses it.
function(imagined_precompile name header)
  set(source ${CMAKE_BINARY_DIR}/${name}.cpp)
  file(GENERATE OUTPUT ${source} CONTENT "// A library needs a file: ${name} exists for its header.\n")
  add_library(${name} OBJECT ${source})
  target_link_libraries(${name} PRIVATE imagined_compiler ${ARGN})
  target_precompile_headers(${name} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/${header})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -fpch-preprocess)
  endif()
endfunction()
function(imagined_use_precompiled target name)
  target_precompile_headers(${target} REUSE_FROM ${name})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 forgets that these come from system headers, where it sees overruns in std::string that
    # are none (GCC bug 105651).
    target_compile_options(${target} PRIVATE -fpch-preprocess -Wno-array-bounds -Wno-stringop-overflow
                           -Wno-stringop-overread)
  endif()
endfunction()
