using System.Runtime.InteropServices;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Xunit;

namespace Tulu2.Tests.Protocol.Outcomes;

public class MemoryFaultTests
{
#pragma warning disable CA2201 // They stand for what the runtime and libtorch throw.
    public static TheoryData<Exception, bool> Faults => new()
    {
        { new OutOfMemoryException(), true },
        { new ExternalException("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000000000000 bytes."), true },
        { new ExternalException("CUDA out of memory. Tried to allocate 20.00 MiB"), true },
        { new InvalidOperationException("slot 3", new AggregateException(new OutOfMemoryException())), true },
        { new InvalidOperationException("slot 3 is added twice"), false },
    };
#pragma warning restore CA2201

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_worker_that_fails_says_whether_memory_had_run_out(Exception fault, bool ofMemory) =>
        Assert.Equal(ofMemory, WorkerReport.Failed.Of(new Generation(1), new Rank(0), fault).OfMemory);
}
