using Tulu2.Hub.Downloads;
using Tulu2.Hub.Http;

namespace Tulu2.Hub.Fetching;

/// <summary>How files are fetched.</summary>
public sealed record FetchOptions
{
    /// <summary>Connections at a time, over all files; each has the memory of a piece.</summary>
    public int Connections { get; init; } = 8;

    /// <summary>Bytes of a piece of a file, which one request asks for.</summary>
    public int PieceBytes { get; init; } = PiecePlan.PieceBytes;

    public HubTiming Timing { get; init; } = HubTiming.OfSystem;
}
