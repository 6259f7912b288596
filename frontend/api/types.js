/**
 * What the API under /api/v1/ answers with.
 *
 * @typedef {{value: number, name: string, color: string, is_null: boolean, is_boundary: boolean}} LabelClass
 *
 * @typedef {object} Scene
 * @property {number} id
 * @property {string} name
 * @property {"pending" | "ingesting" | "ready" | "failed" | "cancelled"} state
 * @property {string} message
 * @property {string | null} acquired_on
 * @property {[number, number, number, number] | null} bounds
 * @property {number | null} gsd_m
 * @property {string} tile_url a template with {z}, {x} and {y}
 * @property {string[]} composites band combinations, "natural" first
 * @property {{composite: string, name: string, query: string}[]} own_composites those of them that the project's leads wrote
 *
 * @typedef {object} Project
 * @property {string} slug
 * @property {string} name
 * @property {number | null} patch_zoom null until the first scene is ready
 * @property {LabelClass[]} legend
 * @property {string[]} roles
 * @property {[number, number, number, number] | null} bounds
 * @property {Scene[]} scenes
 * @property {Record<PatchState, number>} patch_counts
 *
 * @typedef {"unlabelled" | "claimed" | "submitted" | "approved" | "returned"} PatchState
 *
 * @typedef {object} Proposal
 * @property {number} id
 * @property {string} mask_url
 * @property {string} entropy_url
 * @property {number} entropy_rows
 * @property {number} entropy_cols
 * @property {number} entropy_max_nats
 * @property {number} mean_entropy_nats
 * @property {number} model_version
 * @property {number} scene
 * @property {boolean} is_stale
 *
 * @typedef {object} Revision
 * @property {number} id
 * @property {number} number
 * @property {string} author
 * @property {string} mask_url
 * @property {boolean} is_submitted
 * @property {boolean} [is_conflicting] kept beside the chain: another one was saved first
 * @property {string} saved_at
 * @property {number | null} proposal
 * @property {number} [seconds_spent]
 * @property {number} [stroke_count]
 *
 * @typedef {object} Patch
 * @property {number} id
 * @property {string} project
 * @property {string} quadkey
 * @property {number} z
 * @property {number} x
 * @property {number} y
 * @property {[number, number, number, number]} bounds
 * @property {PatchState} state
 * @property {{mine: boolean, expires_at: string} | null} claim
 * @property {{score: number, reason: string, reason_text: string, explanation?: string} | null} queue
 * @property {"patches" | "points"} [asks_for] whether every pixel is asked for, or only `points`
 * @property {[row: number, col: number][]} [points] cells to name, in the order of asking
 * @property {Proposal | null} proposal
 * @property {Revision | null} revision
 * @property {Pin[]} [pins] comments on places that nobody has called done; packets kept from before lack them
 * @property {{verdict: "approve" | "return", comment: string, reviewer: string, decided_at: string} | null} review
 *
 * @typedef {object} Pin a comment on one place of the patch
 * @property {number} id
 * @property {number} x pixels from the west side
 * @property {number} y pixels from the north side
 * @property {string} text
 * @property {string} author
 * @property {string} answer
 * @property {string | null} answered_by
 *
 * @typedef {{outcome: "claimed", patch: Patch}
 *   | {outcome: "all-claimed", until: string, detail: string}
 *   | {outcome: "assigned", detail: string}
 *   | {outcome: "finished", detail: string}
 *   | {outcome: "empty", detail: string}} Claim
 *
 * @typedef {{revision: Revision, state: PatchState}} Saved
 *
 * @typedef {{current: Revision, kept: {id: number, mask_url: string}}} ConflictFacts
 *
 * @typedef {object} Job an inference job
 * @property {number} id
 * @property {string} state
 * @property {number} total
 * @property {number} done
 * @property {string} message
 * @property {boolean} is_active
 *
 * @typedef {{state: string, percent: number, message: string, is_active: boolean}} Percentage a scene that is being
 * prepared, or its display copy
 *
 * @typedef {object} Run a training run
 * @property {number} id
 * @property {string} state
 * @property {number} step
 * @property {number} steps
 * @property {string} message
 * @property {boolean} is_active
 *
 * @typedef {{next: string | null, results: {id: number, quadkey: string, state: PatchState}[]}} PatchPage
 */
export {};
