using System.Text;
using System.Text.Json;
using Tulu2.Files;

namespace Tulu2.Evaluation.Reporting;

/// <summary>Reads <c>metrics.jsonl</c>, one object per committed step, and <c>validation.jsonl</c>, one per validation.</summary>
public static class MetricsFile
{
    public const string Name = "metrics.jsonl";

    /// <summary>
    /// Reads the steps, in order. If a step has several lines (written again after a resume), the last one is used; an incomplete last line is skipped.
    /// </summary>
    /// <exception cref="BadInputException">The file cannot be read, or a line is not a step.</exception>
    public static IReadOnlyList<StepRecord> Read(string path) => Parse(TextOf(path), path);

    /// <summary>Reads the validations, in order; empty where there is no such file.</summary>
    /// <exception cref="BadInputException">The file cannot be read, or a line is not a validation.</exception>
    public static IReadOnlyList<ValidationRecord> ReadValidations(string path) =>
        File.Exists(path) ? Parse(TextOf(path), path, ValidationLine.Read, validation => validation.Step, "a validation") : [];

    /// <param name="where">Name of the file in error messages.</param>
    public static IReadOnlyList<StepRecord> Parse(string text, string where) => Parse(text, where, StepLine.Read, step => step.Step, "a step's metrics");

    private static string TextOf(string path)
    {
        try
        {
            // A run may be writing the file.
            using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            return reader.ReadToEnd();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, "cannot be read", "give the directory of a run that has committed a step", error);
        }
    }

    private static IReadOnlyList<TLine> Parse<TLine>(string text, string where, Func<ReadOnlyMemory<byte>, TLine> read, Func<TLine, int> stepOf, string what)
    {
        var steps = new SortedDictionary<int, TLine>();
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i])) continue;
            try
            {
                var line = read(Encoding.UTF8.GetBytes(lines[i]));
                steps[stepOf(line)] = line;
            }
            catch (JsonException) when (i == lines.Length - 1)
            {
                // No line end after it: the writer was killed in the middle of this line.
            }
            catch (JsonException error)
            {
                throw new BadInputException($"{where}:{i + 1}", $"is not {what}", "restore the file from the run that wrote it", error);
            }
        }
        return [.. steps.Values];
    }
}
