namespace Tulu2.Hub.Fetching;

/// <summary>How far a fetch is.</summary>
/// <param name="Bytes">Bytes of the files that are there or have come.</param>
/// <param name="TotalBytes">Of all files that are fetched.</param>
public readonly record struct FetchProgress(long Bytes, long TotalBytes);
