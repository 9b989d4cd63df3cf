// What assembly knows of Swift's structures; `LayoutTests` pins it.
#define VIRTUAL_CPU_STACK_TOP 256
#define VIRTUAL_CPU_SYSTEM 264
#define VIRTUAL_CPU_VECTORS 616
#define VIRTUAL_CPU_EXITS 1144
#define PHYSICAL_CPU_STACK_TOP 0
#define STACK_STRIDE_SHIFT 13
