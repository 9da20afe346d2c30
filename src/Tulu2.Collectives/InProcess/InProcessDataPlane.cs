namespace Tulu2.Collectives.InProcess;

/// <summary>The data plane between ranks that are threads of one process.</summary>
public sealed class InProcessDataPlane : ICollectiveFactory
{
    public ICollective Join(long generation, int rank, int size) => throw new NotImplementedException();
}
