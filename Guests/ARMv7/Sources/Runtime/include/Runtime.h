// Nothing to call: compilers call these routines on their own.
#pragma once
