// The same for test programs.
#include "precompiled.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
