// What assembly knows of Swift's structures; `LayoutTests` pins it.
#define VIRTUAL_CPU_STACK_TOP 256
#define VIRTUAL_CPU_SYSTEM 264
#define VIRTUAL_CPU_VECTORS 616
#define VIRTUAL_CPU_EXITS 1144
// From `VirtualCPU.system` on.
#define SYSTEM_EXECUTION_STATE 280
#define SYSTEM_NARROW 288
#define PHYSICAL_CPU_STACK_TOP 0
#define STACK_STRIDE_SHIFT 13
