namespace Tulu2.Hub.References;

/// <summary>The two kinds of repositories that are fetched.</summary>
public enum RepositoryKind { Model, Dataset }
