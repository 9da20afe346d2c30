using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Rows.Records;
using Tulu2.Data.Slots;
using Tulu2.Files;

namespace Tulu2.Data.Store;

/// <summary>
/// Token sequences in Arrow files, keyed by the hash of everything they depend on: input bytes and how they are read, tokenizer, template, maximum length,
/// objective. A second
/// opening tokenises nothing and reports the same faults. Tokens are read through a memory map; lengths and origins of rows are held in memory.
/// Safe to read from several threads.
/// </summary>
public sealed class TokenStore : ITokenSource, IDisposable
{
    // Part of the key: changes with the layout of the files.
    private const string FormatVersion = "token-store-1";

    private readonly StoreFiles files;

    private TokenStore(TokenStoreRequest request, string key, StoreFiles files, bool built)
    {
        (this.files, Key, Built, Kind) = (files, key, built, request.Kind);
        SourceFiles = [.. request.Files.Select(file => file.Path)];
        Report = files.Manifest.Report(SourceFiles);
    }

    /// <summary>The hash that names this store.</summary>
    public string Key { get; }

    /// <summary>True: the rows were tokenised now. False: the store was there already.</summary>
    public bool Built { get; }

    public RowKind Kind { get; }

    public StoreReport Report { get; }

    public IReadOnlyList<string> SourceFiles { get; }

    public int Sequences => files.Sequences;

    /// <summary>Rows or pairs.</summary>
    public int Items => Sequences / SequencesPerItem;

    /// <summary>2 for pairs, else 1.</summary>
    public int SequencesPerItem => Kind == RowKind.Preferences ? 2 : 1;

    /// <summary>Opens the store of a request; builds it first where it is missing or damaged.</summary>
    /// <exception cref="BadInputException">An input file cannot be read, or the directory cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind.</exception>
    public static TokenStore Open(TokenStoreRequest request, IProgress<StoreProgress>? progress = null, CancellationToken cancellation = default)
    {
        var key = KeyOf(request, cancellation);
        var folder = Path.Combine(request.Directory, key);
        if (StoreFiles.TryOpen(folder) is { } found) return new TokenStore(request, key, found, built: false);
        StoreBuilder.Build(request, key, folder, progress, cancellation);
        var made = StoreFiles.TryOpen(folder) ?? throw new IOException($"{folder}: the token store cannot be read back right after it was written");
        return new TokenStore(request, key, made, built: true);
    }

    /// <summary>The key of a request: hashes the input files, tokenises nothing.</summary>
    public static string KeyOf(TokenStoreRequest request, CancellationToken cancellation = default)
    {
        var parts = new List<string> { FormatVersion, RowReader.Version, request.Kind.ToString(), request.Encoder.ContentKey };
        foreach (var file in request.Files)
        {
            cancellation.ThrowIfCancellationRequested();
            // The file's name is the dataset of rows without one; its folder does not matter.
            parts.Add(Path.GetFileName(file.Path));
            using (RecordFile.OpenBytes(RecordFile.Existing(file.Path))) { }
            parts.Add(ContentHash.OfFile(file.Path));
            if (file.ContentKey is { Length: > 0 } reading) parts.Add(reading);
        }
        return ContentHash.OfParts(parts)[..32];
    }

    public int Length(int sequence) => files.Length(sequence);

    public int LossTokens(int sequence) => files.LossTokens(sequence);

    /// <summary>Tokens of a sequence before the maximum length cut it.</summary>
    public int UntruncatedLength(int sequence) => files.UntruncatedLength(sequence);

    public ReadOnlySpan<int> Ids(int sequence) => files.Ids(sequence);

    public ReadOnlySpan<LossSpan> Spans(int sequence) => files.Spans(sequence);

    public bool Desirable(int item) => files.Desirable(item * SequencesPerItem);

    /// <summary>File and line of a row (or pair).</summary>
    public RowLocation Location(int item)
    {
        var (file, line) = files.Origin(item * SequencesPerItem);
        return new RowLocation(SourceFiles[file], line);
    }

    /// <summary>Index of a row's (or pair's) file among <see cref="SourceFiles"/>. Items stand in the order of the files.</summary>
    public int FileOf(int item) => files.Origin(item * SequencesPerItem).File;

    /// <summary>The dataset field of a row (or pair).</summary>
    public string Dataset(int item) => files.Dataset(item * SequencesPerItem);

    public void Dispose() => files.Dispose();
}
