# Compiler settings shared by every target of ours, as one interface library.
add_library(imagined_compiler INTERFACE)
find_package(Threads REQUIRED)
target_link_libraries(imagined_compiler INTERFACE Threads::Threads)
target_compile_options(imagined_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-missing-field-initializers
  $<$<BOOL:${IMAGINED_WERROR}>:-Werror>)

# A product and a sum become one rounding only where the code says so (kernels use explicit FMA):
# otherwise noise, schedules and resampling weights would depend on the compiler and its target.
target_compile_options(imagined_compiler INTERFACE -ffp-contract=off)

# The baseline is plain x86-64; the kernels choose AVX2, AVX-512 and bf16 code at run time.
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
  set(CMAKE_CXX_COMPILER_LAUNCHER ${IMAGINED_CCACHE})
endif()
find_program(IMAGINED_MOLD mold)
if(IMAGINED_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
