//! What must be true on a real scheduler, one file a claim.
//!
//! Every scenario starts its own control plane, prints its figures and asserts. The letters are the order in which they are
//! read; `smoke` comes first and needs no extender.

mod a_greenest_zone;
mod b_awake_first;
mod c_refusals;
mod d_preemption;
mod e_outage;
mod f_ladder;
mod g_shadow;
mod h_oldest;
mod i_throughput;
mod j_restarts;
mod k_deploy;
mod l_wire;
mod m_installed;
mod n_power_caps;
mod o_gangs;
mod p_dra;
mod q_providers;
mod r_decision_log;
mod s_site_check;
mod shipped;
mod site;
mod smoke;
mod t_history;
mod u_callers;
mod v_rightsizer;
mod w_hpa_conformance;
mod x_load;
mod x_serving;
mod y_rightsizing;
mod z_keda;
