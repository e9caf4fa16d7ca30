static int __attribute__((noinline)) leaf(int x) { if (x & 1) return x * 3; return x - 1; }
extern int other(int);
static __attribute__((noinline)) int pick(int x) { switch (x) { case 0: return other(1); case 1: return other(7); case 2: return other(9); case 3: return other(11); case 4: return other(2) + 1; default: return leaf(x); } }
int work(int n) { int s = 0; for (int i = 0; i < n; i++) { if (i % 7 == 3) s += leaf(i); else s ^= pick(i & 7); } return s; }
int other(int x) { return x ? leaf(x) : work(x - 1); }
int main(int c, char **v) { return work(c) + other(c); }
void _start(void) { main(3, 0); for (;;) ; }
