using Tulu2.Evaluation.Requests;

namespace Tulu2.Evaluation.Judges;

/// <summary>A judge that says who it is, for the results.</summary>
public interface INamedJudge : IJudge
{
    /// <summary>
    /// <c>local:NAME@HASH</c> for a model in this process (its directory's name, and the first digits of the SHA-256 of its weights), <c>endpoint:NAME</c>
    /// for another program. Only the latter can
    /// be the model that published numbers were judged by.
    /// </summary>
    string Id { get; }
}
