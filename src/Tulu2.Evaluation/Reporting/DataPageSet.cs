using Tulu2.Data.Statistics;
using Tulu2.Data.Statistics.Content;

namespace Tulu2.Evaluation.Reporting;

/// <summary>A set of training data: files that are looked at together.</summary>
/// <param name="Name">For people.</param>
public sealed record DataPageSet(string Name, DataStatistics Tokens, ContentStatistics Content);
