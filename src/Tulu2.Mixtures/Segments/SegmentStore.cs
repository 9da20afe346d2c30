using Microsoft.Win32.SafeHandles;
using Tulu2.Files;
using Tulu2.Mixtures.Rows;

namespace Tulu2.Mixtures.Segments;

/// <summary>Where a row of the mixture is: its line in a segment, and its number for a numbered id.</summary>
internal readonly record struct RowPlace(int Source, int Segment, long Offset, int Length, int NumberAt, int Number);

/// <summary>The segments of a build, in one folder.</summary>
internal sealed class SegmentStore(string folder) : IDisposable
{
    // Sampled rows are scattered over the segments of their source.
    private const int MostOpen = 96;

    private readonly Dictionary<(int, int), SafeFileHandle> _open = [];
    private readonly Queue<(int, int)> _order = new();

    public string PathOf(int source, int number) => Path.Combine(folder, $"{source:000}-{number:000000}.segment");

    /// <summary>The file that says how many segments a source has, once all of them are there.</summary>
    public string EndOf(int source) => Path.Combine(folder, $"{source:000}.end");

    /// <summary>Deletes segments that are damaged, so that they are made again; a source whose segments are not all there has no end.</summary>
    public void Check(int sources)
    {
        Directory.CreateDirectory(folder);
        foreach (var path in Directory.EnumerateFiles(folder, "*.segment"))
            if (SegmentFile.TryRead(path) is null) File.Delete(path);
        for (var source = 0; source < sources; source++)
            if (Count(source) is { } count && Enumerable.Range(0, count).Any(number => !File.Exists(PathOf(source, number)))) File.Delete(EndOf(source));
    }

    /// <summary>Segments of a source; null: not all of them are there.</summary>
    public int? Count(int source) => File.Exists(EndOf(source)) && int.TryParse(File.ReadAllText(EndOf(source)), out var count) ? count : null;

    public Segment Read(int source, int number) => SegmentFile.TryRead(PathOf(source, number))
        ?? throw new BadInputException(PathOf(source, number), "was changed or damaged while the build ran", "start the build again: it makes this part anew");

    /// <summary>The row's line, with its number. Not thread-safe.</summary>
    public byte[] Line(RowPlace place)
    {
        var line = new byte[place.Length];
        var handle = Open((place.Source, place.Segment));
        for (var read = 0; read < line.Length;)
            read += RandomAccess.Read(handle, line.AsSpan(read), place.Offset + read) is > 0 and var count ? count
                : throw new EndOfStreamException($"{PathOf(place.Source, place.Segment)} breaks off");
        return RowJson.Numbered(line, place.NumberAt, place.Number);
    }

    public void Dispose()
    {
        foreach (var handle in _open.Values) handle.Dispose();
    }

    private SafeFileHandle Open((int Source, int Number) segment)
    {
        if (_open.TryGetValue(segment, out var known)) return known;
        if (_open.Count == MostOpen && _open.Remove(_order.Dequeue(), out var oldest)) oldest.Dispose();
        _order.Enqueue(segment);
        return _open[segment] = File.OpenHandle(PathOf(segment.Source, segment.Number));
    }
}
