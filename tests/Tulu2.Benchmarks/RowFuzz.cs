using Tulu2.Data.Rows.Reading;
using Tulu2.Files;

namespace Tulu2.Benchmarks;

/// <summary>
/// Damages sound files of rows and reads them: <c>Tulu2.Benchmarks fuzz-rows INPUTS [SEED]</c> cuts every file at every byte, then damages files at random until so many
/// inputs were read. It ends with an exception (exit code not 0) if a cut gives a row that the file does not hold, or loses one without a word; if a wrong byte gives a
/// false row although a checksum was reached; if anything but <see cref="BadInputException"/> is thrown; or if a library's own text reaches the user.
/// </summary>
internal sealed class RowFuzz : IDisposable
{
    private static readonly string[] Foreign =
        ["(Parameter", "Exception", "ffset", "System.", "LineNumber", "BytePosition", "Arrow", "Sharp", "Thrift", "Index was", "Object reference", "   at "];

    private readonly string folder = Directory.CreateTempSubdirectory("tulu2-fuzz-").FullName;
    private readonly SortedDictionary<string, Tally> tallies = new(StringComparer.Ordinal);

    public static void Run(long inputs, int seed, TextWriter output)
    {
        using var fuzz = new RowFuzz();
        IReadOnlyList<RowFuzzSeed> seeds = [.. RowFuzzSeeds.Gzip(), .. RowFuzzSeeds.Json(), .. RowFuzzSeeds.Parquet()];
        foreach (var file in seeds) fuzz.CutEverywhere(file);
        var random = new Random(seed);
        while (fuzz.Inputs < inputs) fuzz.Damage(seeds[random.Next(seeds.Count)], random);
        foreach (var (what, tally) in fuzz.tallies)
            output.WriteLine($"{what,-32} {tally.Inputs,9:N0} inputs {tally.Rows,11:N0} rows {tally.Faults,9:N0} faults {tally.Refused,9:N0} refused {tally.Changed,7:N0} changed rows");
        output.WriteLine($"{fuzz.Inputs:N0} inputs");
    }

    public long Inputs => tallies.Values.Sum(tally => tally.Inputs);

    public void CutEverywhere(RowFuzzSeed file, int step = 1)
    {
        for (var length = 0; length <= file.Bytes.Length; length += step) Read(file, file.Bytes[..length], "cut", isCut: true, mayChange: false);
    }

    /// <summary>Cut, wrong, missing, doubled or foreign bytes, alone or together.</summary>
    public void Damage(RowFuzzSeed file, Random random)
    {
        var bytes = file.Bytes.ToList();
        var cut = random.Next(4) == 0;
        for (var count = random.Next(1, 4); count > 0 && bytes.Count > 0; count--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1, 9)));
                    break;
                case 2:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, random.Next(1, 40))));
                    break;
                case 3:
                    bytes.InsertRange(at, Enumerable.Range(0, random.Next(1, 5)).Select(_ => (byte)random.Next(256)));
                    break;
                default:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }
        var length = cut ? random.Next(bytes.Count + 1) : bytes.Count;
        // What was cut off held the checksum that tells: then, and only then, can a wrong byte go unseen in a gzip file.
        Read(file, [.. bytes.Take(length)], cut ? "damaged and cut" : "damaged", isCut: false, mayChange: cut || !file.Checked);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void Read(RowFuzzSeed file, byte[] bytes, string how, bool isCut, bool mayChange)
    {
        var tally = Of($"{file.Name} {how}");
        tally.Inputs++;
        var path = Path.Combine(folder, file.Name);
        File.WriteAllBytes(path, bytes);
        var (rows, faults) = (0, 0);
        string? foreign = null;
        var breaksOff = false;
        try
        {
            RowKinds.Of(path);
            foreach (var (row, fault) in RowReader.ReadMessages(path))
            {
                if (fault is not null)
                {
                    faults++;
                    CheckText(file, bytes, fault.Reason);
                    breaksOff |= fault.Reason.Contains("breaks off", StringComparison.Ordinal);
                    continue;
                }
                var known = rows < file.Rows.Count && row!.Messages[^1].Content == file.Rows[rows];
                if (!known && !file.Rows.Contains(row!.Messages[^1].Content)) tally.Changed++;
                if (!known) foreign ??= $"row {rows + 1} is none of the file's: {row!.Messages[^1].Content}";
                rows++;
            }
        }
        catch (BadInputException refusal)
        {
            tally.Refused++;
            faults++;
            CheckText(file, bytes, $"{refusal.Where} {refusal.What} {refusal.Fix}".Replace(folder, "", StringComparison.Ordinal));
        }
        catch (Exception failure) when (failure is not FuzzFailureException)
        {
            throw Failure(file, bytes, failure.ToString());
        }
        // A wrong byte can make gzip data run on over its end as if it were cut, and no checksum is reached: such rows are counted.
        if (foreign is not null && (isCut || !(mayChange || breaksOff))) throw Failure(file, bytes, foreign);
        tally.Rows += rows;
        tally.Faults += faults;
        if (!isCut) return;
        if (faults > 1) throw Failure(file, bytes, $"{faults} faults for one cut");
        if (faults == 0 && !file.Ends.Contains(bytes.Length)) throw Failure(file, bytes, $"{rows} of {file.Rows.Count} rows, and no word of the rest");
        if (faults > 0 && file.Ends.Contains(bytes.Length)) throw Failure(file, bytes, "a sound file is called damaged");
        if (bytes.Length == file.Bytes.Length && rows != file.Rows.Count) throw Failure(file, bytes, $"only {rows} rows of the sound file");
    }

    private static void CheckText(RowFuzzSeed file, byte[] bytes, string text)
    {
        foreach (var foreign in Foreign)
            if (text.Contains(foreign, StringComparison.Ordinal)) throw Failure(file, bytes, $"a library's text: {text}");
    }

    private static FuzzFailureException Failure(RowFuzzSeed file, byte[] bytes, string what)
    {
        var kept = Path.Combine(Path.GetTempPath(), $"tulu2-fuzz-{Guid.NewGuid():N}-{file.Name}");
        File.WriteAllBytes(kept, bytes);
        return new FuzzFailureException($"{kept}: {what}");
    }

    private Tally Of(string what) => tallies.TryGetValue(what, out var tally) ? tally : tallies[what] = new Tally();

    private sealed class Tally
    {
        public long Inputs, Rows, Faults, Refused, Changed;
    }
}

/// <summary>A reader did what it must not; the message names a copy of the input.</summary>
internal sealed class FuzzFailureException(string message) : Exception(message);
