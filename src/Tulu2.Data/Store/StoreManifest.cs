using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Files;

namespace Tulu2.Data.Store;

/// <summary>The file that makes a store exist: written last, names every other file with its length and hash.</summary>
internal sealed record StoreManifest
{
    public const string FileName = "manifest.json";

    public required string Key { get; init; }
    public required string Objective { get; init; }
    public required IReadOnlyList<Shard> Shards { get; init; }
    public required long Rows { get; init; }
    public required int Used { get; init; }
    public required int TruncatedRows { get; init; }
    public required long Tokens { get; init; }
    public required long LossTokens { get; init; }
    public required IReadOnlyList<Fault> Faults { get; init; }

    internal sealed record Shard(string Name, long Bytes, string Sha256);

    /// <summary>A fault whose file is its number in the request: the same content may have another path next time.</summary>
    internal sealed record Fault(int File, long Line, string Reason, RowFaultKind Kind);

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() },
    };

    public void Write(string folder) =>
        AtomicFile.WriteAllBytes(Path.Combine(folder, FileName), JsonSerializer.SerializeToUtf8Bytes(this, Options));

    public static StoreManifest Read(string folder) =>
        JsonSerializer.Deserialize<StoreManifest>(File.ReadAllBytes(Path.Combine(folder, FileName)), Options)
        ?? throw new InvalidDataException("the manifest is empty");

    public StoreReport Report(IReadOnlyList<string> files)
    {
        var faults = Faults.Select(fault => new RowFault(new RowLocation(files[fault.File], fault.Line), fault.Reason, fault.Kind))
            .ToLookup(fault => fault.Kind == RowFaultKind.DamagedFile);
        return new StoreReport(Rows, Used, TruncatedRows, Tokens, LossTokens, [.. faults[false]]) { DamagedFiles = faults[true].ToArray() };
    }
}
