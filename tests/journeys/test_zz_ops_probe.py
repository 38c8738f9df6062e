import time,sys; sys.path.insert(0,"/work/main")
import pytest
def test_times(start_server):
    t=time.monotonic(); s=start_server(); print("start",time.monotonic()-t)
    print(s.log)
    import subprocess
    t=time.monotonic(); s.stop(); print("stop",time.monotonic()-t)
    print(s.log[-600:])
    t=time.monotonic(); s.start(); print("second start",time.monotonic()-t)
