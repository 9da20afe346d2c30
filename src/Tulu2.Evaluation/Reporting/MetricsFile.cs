using System.Text;
using System.Text.Json;
using Tulu2.Files;

namespace Tulu2.Evaluation.Reporting;

/// <summary>Reads <c>metrics.jsonl</c>: one object per committed step.</summary>
public static class MetricsFile
{
    public const string Name = "metrics.jsonl";

    /// <summary>
    /// Reads the steps, in order. If a step has several lines (written again after a resume), the last one is used; an incomplete last line is skipped.
    /// </summary>
    /// <exception cref="BadInputException">The file cannot be read, or a line is not a step.</exception>
    public static IReadOnlyList<StepRecord> Read(string path)
    {
        string text;
        try
        {
            // A run may be writing the file.
            using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            text = reader.ReadToEnd();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, "cannot be read", "give the directory of a run that has committed a step", error);
        }
        return Parse(text, path);
    }

    /// <param name="where">Name of the file in error messages.</param>
    public static IReadOnlyList<StepRecord> Parse(string text, string where)
    {
        var steps = new SortedDictionary<int, StepRecord>();
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i])) continue;
            try
            {
                var step = StepLine.Read(Encoding.UTF8.GetBytes(lines[i]));
                steps[step.Step] = step;
            }
            catch (JsonException) when (i == lines.Length - 1)
            {
                // No line end after it: the writer was killed in the middle of this line.
            }
            catch (JsonException error)
            {
                throw new BadInputException($"{where}:{i + 1}", "is not a step's metrics", "restore the file from the run that wrote it", error);
            }
        }
        return [.. steps.Values];
    }
}
