using System.Globalization;
using System.Text.Json;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Runs.Evaluations;

/// <summary>What a score depends on, as one text: scores of another subject are of something else.</summary>
internal static class ScoreSubject
{
    /// <param name="parts">An object that names all of it: model, data, options, judges.</param>
    public static string Of(object parts) => ContentHash.Of(JsonSerializer.SerializeToUtf8Bytes(parts));

    /// <summary>A file, or all files of a folder, by names, sizes and times: reading whole weights would take as long as loading them.</summary>
    public static string FilesOf(string path)
    {
        if (File.Exists(path)) return Line(new FileInfo(path), "");
        return string.Join('\n', new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories)
            .Select(file => Line(file, Path.GetRelativePath(path, file.FullName))).Order(StringComparer.Ordinal));

        static string Line(FileInfo file, string name) => string.Create(CultureInfo.InvariantCulture, $"{name} {file.Length} {file.LastWriteTimeUtc.Ticks}");
    }

    /// <summary>The judges of a benchmark, in the words that they were asked for, in order of their roles.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> JudgesOf(IBenchmark benchmark, EvaluatorSettings settings) =>
        [.. settings.Judges.Where(judge => benchmark.Judges.Contains(judge.Key)).OrderBy(judge => judge.Key, StringComparer.Ordinal)];

    /// <summary>Who has judged, by role, as the judges say; where all verdicts are of an earlier start, as they were asked for.</summary>
    public static IReadOnlyDictionary<string, string> NamesOf(EvaluatorSettings settings, IReadOnlyList<JudgeUse> used)
    {
        var names = JudgeUse.Names(used);
        return settings.Judges.ToDictionary(judge => judge.Key, judge => names.GetValueOrDefault(judge.Key) ?? judge.Value);
    }
}
