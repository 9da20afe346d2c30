using Tulu2.Data.Rows;

namespace Tulu2.Data.Statistics.Content;

/// <summary>Gathers the statistics of content, row by row.</summary>
internal sealed class ContentTally
{
    // As many as fit on a screen.
    private const int MostExamples = RowFaultLines.Most;

    private readonly TurnTally _turns = new();
    private readonly FirstOccurrences _contents = new(), _prompts = new();
    private readonly LanguageSample _languages = new();
    private readonly List<DuplicateRow> _examples = [];
    private readonly Dictionary<string, Source> _datasets = [];
    private readonly List<Source> _files = [];
    // A row's number is its file's start and its place in the file: every line or element of a file is one result of the reader, whether or not it is a row.
    private readonly List<(long Start, string Path)> _starts = [];

    /// <summary>Rows of all files so far, those that do not count among them.</summary>
    public long Seen { get; private set; }

    public void Begin(string path)
    {
        _starts.Add((Seen, path));
        _files.Add(new Source(path));
    }

    /// <summary>A row that does not count.</summary>
    public void Pass(RowLocation location) => Seen = NumberOf(location) + 1;

    public void Add(ContentRow row)
    {
        var number = NumberOf(row.Location);
        Seen = number + 1;
        var turns = _turns.Add(row.Dialogue);
        var first = _contents.FindOrAdd(row.Fingerprint, number);
        if (first is { } earlier && _examples.Count < MostExamples) _examples.Add(new DuplicateRow(row.Location, LocationOf(earlier)));
        var prompt = row.Dialogue.FirstOrDefault(message => message.Role == Message.User);
        var promptIsKnown = prompt is not null && _prompts.FindOrAdd(ContentFingerprint.Of(prompt), number) is not null;
        if (!_datasets.TryGetValue(row.Dataset, out var dataset)) _datasets.Add(row.Dataset, dataset = new Source(row.Dataset));
        dataset.Add(turns, first is not null, promptIsKnown);
        _files[^1].Add(turns, first is not null, promptIsKnown);
        _languages.Offer(number, row.Dialogue);
    }

    public ContentStatistics Result() => new()
    {
        Rows = _files.Sum(file => file.Rows),
        Turns = _turns.Result(),
        Duplicates = new DuplicateStatistics(_files.Sum(file => file.DuplicateRows), _files.Sum(file => file.DuplicatePrompts), _examples),
        Languages = _languages.Result(),
        Datasets = [.. _datasets.Values.Select(source => source.Result())],
        Files = [.. _files.Select(source => source.Result())],
    };

    private long NumberOf(RowLocation location) => _starts[^1].Start + location.Line - 1;

    private RowLocation LocationOf(long number)
    {
        var (start, path) = _starts.FindLast(file => file.Start <= number);
        return new RowLocation(path, number - start + 1);
    }

    private sealed class Source(string name)
    {
        private long _turns;

        public long Rows { get; private set; }
        public long DuplicateRows { get; private set; }
        public long DuplicatePrompts { get; private set; }

        public void Add(int turns, bool isDuplicate, bool hasDuplicatePrompt)
        {
            Rows++;
            _turns += turns;
            if (isDuplicate) DuplicateRows++;
            if (hasDuplicatePrompt) DuplicatePrompts++;
        }

        public SourceContent Result() => new(name, Rows, _turns, DuplicateRows, DuplicatePrompts);
    }
}
