// A page of a front end as Relay wants it: fragments that refetch, paginate and write to the store.
import { graphql } from "react-relay";

export const query = graphql`
  query FindingsQuery($count: Int!, $cursor: String) {
    viewer {
      organization {
        id
        name
        latestScan {
          id
          ...FindingsScanFragment
        }
      }
    }
    ...FindingsListFragment @arguments(count: $count, cursor: $cursor)
  }
`;

export const list = graphql`
  fragment FindingsListFragment on Query
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 25 }
    cursor: { type: "String" }
    filter: { type: "FindingFilter" }
  )
  @refetchable(queryName: "FindingsListPaginationQuery") {
    findings(first: $count, after: $cursor, filter: $filter)
      @connection(key: "FindingsList_findings") {
      edges {
        node {
          id
          ...FindingsRowFragment
        }
      }
    }
  }
`;

export const scan = graphql`
  fragment FindingsScanFragment on Scan
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
  @refetchable(queryName: "FindingsScanRefetchQuery") {
    status
    progress
    findings(last: $count, before: $cursor) @connection(key: "FindingsScan_findings") {
      edges {
        node {
          ...FindingsRowFragment
        }
      }
    }
  }
`;

export const row = graphql`
  fragment FindingsRowFragment on Finding
  @refetchable(queryName: "FindingsRowRefetchQuery") {
    title
    severity
    status
    asset {
      name
    }
  }
`;

export const updatable = graphql`
  fragment FindingsUpdatableFragment on Finding @updatable {
    status
    resolutionNote
  }
`;

export const update = graphql`
  mutation FindingsUpdateMutation($input: UpdateFindingInput!) {
    updateFinding(input: $input) {
      finding {
        id
        ...FindingsRowFragment
        ...FindingsUpdatableFragment
      }
      errors {
        __typename
        message
        code
        path
      }
    }
  }
`;

export const remove = graphql`
  mutation FindingsDeleteAssetMutation($input: DeleteAssetInput!, $connections: [ID!]!) {
    deleteAsset(input: $input) {
      deletedAssetId @deleteEdge(connections: $connections)
      errors {
        message
      }
    }
  }
`;

export const progress = graphql`
  subscription FindingsProgressSubscription($id: ID!) {
    scanProgress(scanId: $id) {
      status
      progress
      scan {
        ...FindingsScanFragment
      }
    }
  }
`;
