//! Nobody outside `saas_tenancy::db` can name what holds the connections.

use saas_tenancy::db::pool::ServerPool;

fn main() {
    let _: Option<ServerPool> = None;
}
